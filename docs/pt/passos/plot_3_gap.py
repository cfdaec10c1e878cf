"""
Passo 3: por que o "gap" do notebook não é GAP
==============================================

O notebook imprime ``gap 0.5089``. Esse número não pode ser comparado com nenhum GAP publicado: é
outra métrica. Ao fim deste passo você sabe calcular as duas à mão e conhece as três diferenças.

No notebook: o módulo ``evaluate.py`` e a saída da seção 5.
"""

# %%
# O que o notebook calcula
# ------------------------
# A ideia no notebook: ordenar os rótulos de um vídeo pela ativação, somar 1/posição de cada rótulo
# certo e dividir pelo número de rótulos certos. Depois, a média dos vídeos de cada arquivo; por
# fim, a média dos arquivos.
#
# .. code-block:: python
#
#     for arquivo in arquivos:
#         notas = []
#         for video in arquivo:
#             certos = rotulos_certos(video)
#             notas.append(media(1 / posicao(r) for r in certos))
#         notas_dos_arquivos.append(media(notas))
#     gap = media(notas_dos_arquivos)
#
# Isso é uma média dos inversos das posições (*mean reciprocal rank*), sobre todos os rótulos
# certos. Aqui ela tem nome próprio: ``label_reciprocal_rank_score``. A métrica que se costuma
# chamar de *mean reciprocal rank* olha só o rótulo certo mais bem colocado de cada vídeo; no pacote
# ela é ``mean_reciprocal_rank_score``.
#
# O que é GAP
# -----------
# GAP, de *global average precision*, é a métrica principal do YouTube-8M. Ela junta as previsões
# de **todos** os vídeos em uma lista só:
#
# 1. de cada vídeo, pegue os *k* rótulos de maior pontuação (no YouTube-8M, *k* = 20);
# 2. junte tudo em uma lista e ordene da maior pontuação para a menor;
# 3. em cada acerto, calcule a precisão até ali: acertos até essa linha, divididos pelas linhas;
# 4. some essas precisões e divida pelo total de rótulos certos de todos os vídeos.

import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sk_yt8m import DeepMultiLabelClassifier
from sk_yt8m.datasets import load_csv, sample_path
from sk_yt8m.metrics import gap_score, label_reciprocal_rank_score

PASTA = Path(os.environ.get("YT8M_CURSO", sample_path()))

# %%
# Um exemplo feito à mão
# ----------------------
# Dois vídeos, A e B, e três rótulos. O vídeo A tem os rótulos Jogo e Carro; o vídeo B, só Piano.

rotulos = ["Jogo", "Carro", "Piano"]
certos = np.array([[1, 1, 0], [0, 0, 1]])
pontos = np.array([[0.9, 0.7, 0.2], [0.8, 0.1, 0.6]])

# %%
# **O "gap" do notebook.** Olhe um vídeo de cada vez:
#
# - vídeo A: Jogo está na posição 1 e Carro na posição 2. A nota é (1/1 + 1/2) / 2 = 0,75;
# - vídeo B: Piano está na posição 2, atrás de Jogo. A nota é 1/2 = 0,5.
#
# A média dos dois vídeos é (0,75 + 0,5) / 2 = 0,625.

print(label_reciprocal_rank_score(certos, pontos))

# %%
# **O GAP.** Agora as seis previsões ficam em uma lista só, da maior pontuação para a menor:


def lista_unica(certos, pontos):
    """Lista de todas as previsões, com a precisão até cada linha."""
    lista = pd.DataFrame(
        {
            "vídeo": np.repeat(["A", "B"], len(rotulos)),
            "rótulo": rotulos * 2,
            "pontuação": pontos.ravel(),
            "certo": certos.ravel(),
        }
    )
    lista = lista.sort_values("pontuação", ascending=False, ignore_index=True)
    lista["precisão"] = lista["certo"].cumsum() / (lista.index + 1)
    return lista


lista = lista_unica(certos, pontos)
lista.round(3)

# %%
# Os acertos estão nas linhas 0, 2 e 3 da tabela, e há três rótulos certos ao todo. As precisões
# nessas linhas são 1/1, 2/3 e 3/4. Portanto, GAP = (1/1 + 2/3 + 3/4) / 3 = 0,8056, em números
# arredondados.

print(
    f"à mão:     {lista['precisão'][lista['certo'] == 1].sum() / certos.sum():.4f}"
)
print(f"gap_score: {gap_score(certos, pontos):.4f}")

# %%
# A primeira diferença: dentro do vídeo ou entre vídeos
# -----------------------------------------------------
# Imagine que a rede fique menos confiante no vídeo B: as pontuações dele caem para a quinta parte.
# Dentro do vídeo nada muda, e o "gap" do notebook fica igual. Na lista única, o erro da linha 1
# (Jogo no vídeo B) desce, e o GAP sobe. O GAP cobra que uma pontuação alta signifique a mesma coisa
# em todos os vídeos.

menos_confiante = pontos * [[1], [0.2]]
print("notebook:", label_reciprocal_rank_score(certos, menos_confiante))
print(f"GAP:      {gap_score(certos, menos_confiante):.4f}")

# %%

figura, eixos = plt.subplots(
    1, 2, figsize=(9, 3.8), layout="constrained", sharex=True
)
casos = {
    "as pontuações da tabela": pontos,
    "vídeo B com a quinta parte": menos_confiante,
}
for eixo, (titulo, saida) in zip(eixos, casos.items(), strict=True):
    caso = lista_unica(certos, saida)
    cores = np.where(caso["certo"] == 1, "C2", "0.75")
    eixo.barh(np.arange(6), caso["pontuação"], color=cores)
    eixo.set_yticks(np.arange(6), caso["vídeo"] + ": " + caso["rótulo"])
    eixo.invert_yaxis()
    for linha in np.flatnonzero(caso["certo"]):
        acertos = caso["certo"][: linha + 1].sum()
        texto = f"{acertos}/{linha + 1}"
        eixo.text(caso["pontuação"][linha] + 0.02, linha, texto, va="center")
    eixo.set(xlabel="pontuação", xlim=(0, 1.1))
    eixo.set_title(
        f"{titulo}\nGAP = {gap_score(certos, saida):.4f}", fontsize=11
    )
plt.show()

# %%
# **Como ler.** De cima para baixo, a lista única. As barras verdes são acertos; ao lado de cada uma
# está a precisão até ali. À direita, as barras do vídeo B encolheram: o erro que estava na segunda
# linha foi parar embaixo dos acertos do vídeo A.

# %%
# A segunda diferença: um modelo perfeito não chega a 1
# -----------------------------------------------------
# No vídeo A, os dois rótulos certos estão nas duas primeiras posições. Não há ordem melhor, e mesmo
# assim a nota é 0,75, porque só um rótulo cabe na posição 1. No GAP, uma lista com todos os acertos
# na frente vale 1. Veja com os vídeos de validação e uma rede que treina em segundos:

treino = load_csv(PASTA, split="course-train", return_indicator="sparse")
validacao = load_csv(PASTA, split="course-val", return_indicator="sparse")

modelo = DeepMultiLabelClassifier(
    hidden_layer_sizes=(200,), max_iter=6, random_state=0
)
modelo.fit(treino.data, treino.target)
pontos = modelo.predict_proba(validacao.data)
perfeito = validacao.target.toarray()

valores = pd.DataFrame(
    {
        '"gap" do notebook': [
            label_reciprocal_rank_score(
                validacao.target, saida, groups=validacao.shard
            )
            for saida in (pontos, perfeito)
        ],
        "GAP@20": [
            gap_score(validacao.target, saida) for saida in (pontos, perfeito)
        ],
    },
    index=["rede", "modelo perfeito"],
)
valores.round(4)

# %%
# As posições dos rótulos certos mostram de onde vem cada número.

ordem = np.argsort(-pontos, axis=1, kind="stable")
posicao = np.empty_like(ordem)
np.put_along_axis(
    posicao, ordem, np.arange(1, ordem.shape[1] + 1)[None, :], axis=1
)
videos, quais = validacao.target.nonzero()
posicoes = np.minimum(posicao[videos, quais], 21)

figura, (esquerda, direita) = plt.subplots(
    1, 2, figsize=(9, 4), layout="constrained", width_ratios=[3, 2]
)
parte = np.bincount(posicoes, minlength=22)[1:] / len(posicoes)
esquerda.bar(
    np.arange(1, 22), parte, color="C0", label="parte dos rótulos certos"
)
esquerda.plot(
    np.arange(1, 21),
    1 / np.arange(1, 21),
    "o-",
    color="C3",
    ms=4,
    label="1/posição",
)
esquerda.set_xticks([1, 5, 10, 15, 21], ["1", "5", "10", "15", ">20"])
esquerda.set(xlabel="posição do rótulo certo no seu vídeo", ylim=(0, 1.05))
esquerda.legend(frameon=False)

for deslocamento, nome in zip((-0.2, 0.2), valores, strict=True):
    barras = direita.bar(
        np.arange(2) + deslocamento, valores[nome], 0.38, label=nome
    )
    direita.bar_label(barras, fmt="%.3f", fontsize=9)
direita.set_xticks([0, 1], valores.index)
direita.set_ylim(0, 1.3)
direita.legend(frameon=False, loc="upper left", fontsize=9)
plt.show()

# %%
# **Como ler.** À esquerda, as barras dizem em que posição os rótulos certos ficaram; a curva é
# quanto cada posição vale no "gap" do notebook. Da posição 1 para a 2 o valor cai pela metade, e
# um vídeo com vários rótulos paga por isso mesmo sem nenhum erro. À direita, as duas métricas da
# mesma rede e de um modelo perfeito: só o GAP do perfeito é 1.

# %%
# A terceira diferença: a média dos arquivos
# ------------------------------------------
# O notebook calcula a média dentro de cada arquivo e depois a média dos arquivos, com pesos iguais.
# Os vídeos de um arquivo menor pesam mais. Com ``groups`` a função faz o mesmo; sem ``groups``,
# todos os vídeos pesam igual. O efeito é pequeno se os arquivos têm quase o mesmo tamanho.

print("vídeos por arquivo:", np.unique(validacao.shard, return_counts=True)[1])
com_grupos = label_reciprocal_rank_score(
    validacao.target, pontos, groups=validacao.shard
)
print(f"média dos arquivos: {com_grupos:.6f}")
print(
    f"média dos vídeos:   {label_reciprocal_rank_score(validacao.target, pontos):.6f}"
)

# %%
# As definições de todas as métricas estão na :ref:`página de métricas <metrics>` (em inglês).

# %%
# Exercícios
# ----------
#
# Exercício 1: mais um vídeo
# ~~~~~~~~~~~~~~~~~~~~~~~~~~
# Acrescente ao exemplo feito à mão o vídeo C, com o rótulo Carro e as pontuações Jogo 0,3, Carro
# 0,5 e Piano 0,4. Calcule as duas métricas com lápis e papel antes de olhar a resposta.

# %%
# Resposta
# ^^^^^^^^
# O rótulo Carro do vídeo C está na posição 1, e a nota do vídeo é 1. O "gap" do notebook passa a
# (0,75 + 0,5 + 1) / 3 = 0,75.
#
# Na lista única, as quatro primeiras linhas não mudam, e o acerto do vídeo C (0,5) é a quinta, com
# precisão 4/5. Agora são quatro rótulos certos: GAP = (1/1 + 2/3 + 3/4 + 4/5) / 4 = 0,8042.

certos_abc = np.array([[1, 1, 0], [0, 0, 1], [0, 1, 0]])
pontos_abc = np.array([[0.9, 0.7, 0.2], [0.8, 0.1, 0.6], [0.3, 0.5, 0.4]])
print(label_reciprocal_rank_score(certos_abc, pontos_abc))
print(f"{gap_score(certos_abc, pontos_abc):.4f}")

# %%
# Exercício 2: confiança desigual
# ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
# Divida por dez as pontuações da rede em metade dos vídeos de validação, escolhidos por sorteio. O
# que você espera de cada métrica?

# %%
# Resposta
# ^^^^^^^^
# A ordem dentro de cada vídeo não muda, e o "gap" do notebook fica igual. O GAP cai: os acertos
# dos vídeos sorteados descem para baixo dos erros dos outros.

sorteio = np.random.default_rng(0).random(len(pontos)) < 0.5
desigual = np.where(sorteio[:, None], pontos / 10, pontos)
for nome, saida in {"antes": pontos, "depois": desigual}.items():
    notebook = label_reciprocal_rank_score(
        validacao.target, saida, groups=validacao.shard
    )
    print(
        f"{nome:8}notebook {notebook:.4f}   GAP@20 {gap_score(validacao.target, saida):.4f}"
    )

# %%
# Em resumo
# ---------
# O "gap" do notebook olha um vídeo de cada vez, não chega a 1 e depende da divisão em arquivos. O
# GAP compara as pontuações de todos os vídeos. Para reproduzir o notebook, use o primeiro; para
# comparar com resultados publicados, o segundo.
