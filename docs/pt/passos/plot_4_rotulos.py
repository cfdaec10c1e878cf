"""
Passo 4: classificando vídeos pelo nome
=======================================

Ao fim deste passo, a rede diz o nome dos cinco rótulos mais prováveis de cada vídeo, e você sabe
por que o notebook mostra muitos nomes trocados.

No notebook: seção 6 e a função ``show_meta_data``.
"""

# %%
# Os cinco melhores rótulos (seção 6)
# -----------------------------------
# A ideia no notebook: ordenar as saídas da rede, ficar com as cinco maiores, parar na primeira que
# não passa do limiar e procurar o nome na tabela do vocabulário.
#
# .. code-block:: python
#
#     for rotulo in ordenar_decrescente(saida)[:5]:
#         if saida[rotulo] <= limiar:
#             break
#         print(meta_table[rotulo + 1])  # a linha, e não o Index
#
# Aqui: dê os nomes junto com ``Y``, e o classificador os guarda. O método ``predict_labels``
# devolve nomes e probabilidades. Os nomes da amostra são inventados, como os vídeos.

import csv
import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sk_yt8m import DeepMultiLabelClassifier, SparseIndicator
from sk_yt8m.datasets import load_csv, load_vocabulary, sample_path
from sk_yt8m.metrics import choose_thresholds

PASTA = Path(os.environ.get("YT8M_CURSO", sample_path()))

# O arquivo se chama vocabulary.csv na amostra e yt8m_voc.csv no curso.
arquivo = next(PASTA.glob("*voc*.csv"))
nomes = load_vocabulary(arquivo)["name"]

treino = load_csv(PASTA, split="course-train", return_indicator="sparse")
validacao = load_csv(PASTA, split="course-val", return_indicator="sparse")

modelo = DeepMultiLabelClassifier(
    hidden_layer_sizes=(200,), max_iter=6, random_state=0
)
modelo.fit(treino.data, SparseIndicator(treino.target, nomes))

for nome, probabilidade in modelo.predict_labels(validacao.data[:1], k=5)[0]:
    print(f"{probabilidade:.2f}  {nome}")

# %%
# Três vídeos lado a lado, com os rótulos certos em verde:

LIMIAR = 0.2
previsoes = modelo.predict_labels(validacao.data[:3], k=5)

figura, eixos = plt.subplots(
    3, 1, figsize=(7, 6.5), layout="constrained", sharex=True
)
for video, (eixo, previsao) in enumerate(zip(eixos, previsoes, strict=True)):
    certos = set(nomes[validacao.target[[video]].indices])
    rotulos, probabilidades = zip(*previsao, strict=True)
    cores = ["C2" if rotulo in certos else "0.7" for rotulo in rotulos]
    eixo.barh(rotulos, probabilidades, color=cores)
    eixo.axvline(LIMIAR, color="C3", linestyle=":")
    eixo.invert_yaxis()
    eixo.set_xlim(0, 1)
    eixo.set_title(
        f"vídeo {video}: {len(certos)} rótulos certos", loc="left", fontsize=11
    )
eixos[-1].set_xlabel("probabilidade")
plt.show()

# %%
# **Como ler.** Cada barra é um dos cinco rótulos mais prováveis; as verdes estão certas, as cinza
# não. A linha pontilhada é um limiar de 0,2: o que fica à esquerda dela não seria mostrado.

# %%
# O limiar
# --------
# O limiar (*threshold*) decide o que é provável o bastante para mostrar. No notebook ele é o último
# argumento da função; aqui, um parâmetro. Um vídeo pode ficar com menos de cinco rótulos, ou sem
# nenhum.

modelo.predict_labels(
    validacao.data[:3], k=5, threshold=LIMIAR, as_frame=True
).round(3)

# %%
# Por que os nomes do notebook saem trocados
# ------------------------------------------
# O vocabulário é uma tabela com a coluna ``Index``, o número do rótulo. O notebook não lê essa
# coluna para achar o nome: vai à linha de número ``label_id + 1`` (o 1 pula o cabeçalho). Isso só
# funciona se as linhas estiverem na ordem de ``Index``, e elas não estão. Uma tabela pequena e
# inventada mostra o efeito:

linhas = [
    "Index,Name",
    "0,Jogo",
    "1,Carro",
    "3,Gato",
    "2,Piano",
    "5,Dança",
    '4,"Bola, rede e quadra"',
]

tabela = dict(csv.reader(linhas[1:]))
pd.DataFrame(
    {
        "pela linha": [
            linhas[rotulo + 1].split(",")[1] for rotulo in range(6)
        ],
        "por Index": [tabela[str(rotulo)] for rotulo in range(6)],
    },
    index=pd.RangeIndex(6, name="rótulo"),
)

# %%
# Os rótulos 0 e 1 estão na linha certa e saem certos. Os rótulos 2 e 3 trocam de nome, e os rótulos
# 4 e 5 também. No rótulo 5 aparece um segundo problema: o notebook corta a linha em cada vírgula,
# mesmo dentro das aspas.
#
# O erro é difícil de ver, porque o notebook imprime o número que está na mesma linha do nome. O
# número e o nome combinam; só não são os do rótulo que a rede escolheu.
#
# E no vocabulário inteiro? Basta comparar o número de cada linha com o seu ``Index``, que é o
# primeiro campo. A função ``load_vocabulary``, usada acima, põe as linhas na ordem de ``Index`` e
# entende as aspas.

with open(arquivo, encoding="utf-8") as aberto:
    linhas = aberto.readlines()
campos = [linha.split(",") for linha in linhas[1:]]
trocado = np.array([int(campo[0]) for campo in campos]) != np.arange(
    len(nomes)
)
usos = treino.target.indices

print(f"rótulos com o nome de outro: {trocado.sum()} de {len(nomes)}")
print(f"entre os rótulos dos vídeos de treino: {trocado[usos].mean():.0%}")

# %%
# Na amostra as linhas estão todas embaralhadas. Com os dados do curso, este mesmo código encontra
# 3.626 rótulos com o nome de outro. O estrago que se vê é menor, 37% dos rótulos dos vídeos de
# treino, porque as 30 primeiras linhas estão na ordem e são justamente as dos rótulos mais comuns.
# A primeira troca é entre os rótulos 30 e 31.
#
# Veja o efeito no vídeo 0: à esquerda, o que a leitura por linha mostraria; à direita, o nome
# certo.

tabela = modelo.predict_labels(validacao.data[:1], k=5, as_frame=True)
pd.DataFrame(
    {
        "rótulo": tabela["label"],
        "pela linha": [campos[rotulo][3] for rotulo in tabela["label"]],
        "por Index": tabela["name"],
        "probabilidade": tabela["score"].round(3),
    }
)

# %%
# As métricas não mudam com isso: elas comparam os números dos rótulos, e não os nomes.

# %%
# Exercícios
# ----------
#
# Exercício 1: o limiar e a precisão
# ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
# Para limiares de 0,1 a 0,9, conte quantos rótulos por vídeo são mostrados, no máximo cinco, e que
# parte deles está certa. O que se ganha e o que se perde com um limiar alto?

# %%
# Resposta
# ^^^^^^^^
# Com um limiar alto, quase tudo o que aparece está certo, mas aparecem poucos rótulos. Com um
# limiar baixo, aparecem mais rótulos e mais erros.

melhores = modelo.predict_top_k(validacao.data, k=5)
acertou = (
    np.take_along_axis(validacao.target.toarray(), melhores.indices, axis=1)
    == 1
)
limiares = np.linspace(0.1, 0.9, 9)
mostrados = [melhores.scores >= limiar for limiar in limiares]
por_video = [m.sum() / len(m) for m in mostrados]
precisao = [acertou[m].mean() for m in mostrados]

figura, eixo = plt.subplots(figsize=(7, 3.8), layout="constrained")
(linha_precisao,) = eixo.plot(
    limiares, precisao, "o-", color="C0", label="parte certa"
)
eixo.set_xlabel("limiar")
eixo.set_ylabel("parte certa do que é mostrado", color="C0")
eixo.set_ylim(0, 1.05)
outro = eixo.twinx()
(linha_videos,) = outro.plot(
    limiares, por_video, "s-", color="C1", label="rótulos por vídeo"
)
outro.set_ylabel("rótulos mostrados por vídeo", color="C1")
outro.set_ylim(bottom=0)
eixo.legend(
    handles=[linha_precisao, linha_videos],
    loc="lower center",
    bbox_to_anchor=(0.5, 1),
    ncols=2,
    frameon=False,
)
plt.show()

# %%
# Exercício 2: um limiar escolhido pelos dados
# ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
# Em vez de testar valores à mão, peça o limiar com que ao menos 90% dos rótulos mostrados estão
# certos. Dica: ``choose_thresholds``, com ``objective="precision"``.

# %%
# Resposta
# ^^^^^^^^
# A função procura o limiar nos dados de validação. Entre os que alcançam a precisão pedida, ela
# fica com o que mostra mais rótulos certos.

limiar = choose_thresholds(
    validacao.target, melhores, k=5, objective="precision", min_precision=0.9
)
mostrado = melhores.scores >= limiar
print(f"limiar: {limiar:.3f}")
print(f"parte certa: {acertou[mostrado].mean():.3f}")
print(f"rótulos por vídeo: {mostrado.sum() / len(mostrado):.2f}")

# %%
# Em resumo
# ---------
# ``predict_labels`` dá os nomes, um limiar decide quantos aparecem, e o vocabulário se lê pela
# coluna ``Index``. Com isso, todas as seções do notebook estão refeitas. O próximo passo é seu: a
# :ref:`página de receitas prontas <presets>` (em inglês) mostra como chegar a resultados melhores.
