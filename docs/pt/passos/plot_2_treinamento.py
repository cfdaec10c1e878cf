"""
Passo 2: o modelo e o treinamento
=================================

Ao fim deste passo, você tem uma rede treinada com a receita do notebook, sabe qual foi a melhor
época e tem os números que o notebook imprime: Hit@1, Hit@5 e Hit@20.

No notebook: seções 2 e 5 e o módulo ``evaluate.py``.
"""

# %%
# O modelo (seção 2)
# ------------------
# A ideia no notebook: uma função monta a rede, camada por camada, e devolve a perda, o otimizador
# e a saída.
#
# .. code-block:: python
#
#     oculta_1 = camada(entrada, 2000, relu)
#     oculta_2 = camada(oculta_1, 3200, relu)
#     logits = camada(oculta_2, 3862)
#     perda = media(entropia_cruzada(logits, rotulos))
#     passo = Adam(0.001).minimizar(perda)
#     saida = sigmoide(logits)
#
# Aqui: a rede vem pronta, em :class:`~sk_yt8m.DeepMultiLabelClassifier`, e você descreve a receita
# com parâmetros. Os valores padrão são outra receita, melhor. Para reproduzir o notebook, escolha
# as opções dele e desligue o que ele não tem.

import os
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import log_loss

from sk_yt8m import DeepMultiLabelClassifier, load
from sk_yt8m.datasets import load_csv, sample_path
from sk_yt8m.metrics import (
    gap_score,
    hit_at_k_score,
    label_reciprocal_rank_score,
)

PASTA = Path(os.environ.get("YT8M_CURSO", sample_path()))

RECEITA_DO_NOTEBOOK = {
    # As duas camadas ocultas e o otimizador Adam com taxa de aprendizado fixa.
    "hidden_layer_sizes": (2000, 3200),
    "learning_rate": "constant",
    "learning_rate_init": 0.001,
    # Um arquivo tem até 201 vídeos e é um lote; os vídeos não são embaralhados.
    "batch_size": 201,
    "shuffle": False,
    "max_iter": 10,
    # A perda é a média sobre os rótulos, e os vieses da saída começam em zero.
    "loss_reduction": "mean",
    "output_bias_init": "zeros",
    # O que o notebook não tem.
    "standardize": False,
    "batch_normalization": False,
    "dropout": 0.0,
    "input_dropout": 0.0,
    "weight_decay": 0.0,
    "warmup_fraction": 0.0,
    "ema_decay": None,
}
modelo = DeepMultiLabelClassifier(**RECEITA_DO_NOTEBOOK, random_state=0)

# %%
# A última camada tem uma saída para cada rótulo. A sigmoide transforma cada saída em um número
# entre 0 e 1, independente dos outros, porque um vídeo pode ter vários rótulos ao mesmo tempo. A
# perda (*loss*) é a entropia cruzada (*cross-entropy*) de cada saída com a resposta certa, 0 ou 1.

# %%
# Lotes e épocas (seção 5)
# ------------------------
# Um lote (*batch*) é o grupo de vídeos usado em um passo do treino. Uma época (*epoch*) termina
# quando todos os vídeos foram usados uma vez.

treino = load_csv(PASTA, split="course-train", return_indicator="sparse")
validacao = load_csv(PASTA, split="course-val", return_indicator="sparse")

passos = -(-len(treino.data) // modelo.batch_size)
print(
    f"{len(treino.data)} vídeos em lotes de {modelo.batch_size}: {passos} passos por época"
)
print(f"{modelo.max_iter} épocas: {passos * modelo.max_iter} passos")

# %%
# Treinamento (seção 5)
# ---------------------
# A ideia no notebook: um laço de épocas com dois laços dentro. O primeiro treina, lote por lote; o
# segundo avalia nos arquivos de validação. Se o resultado melhorou, os pesos são gravados.
#
# .. code-block:: python
#
#     for epoca in range(10):
#         for lote in lotes_de_treino:
#             atualizar_pesos(lote)
#         resultado = avaliar(get_next_val_batch)
#         if resultado > melhor:
#             melhor = resultado
#             gravar_pesos()
#
# Aqui: os três laços são uma chamada de ``fit``. Com dados de validação, a rede é avaliada depois
# de cada época, e no fim ficam os pesos da melhor.

modelo.fit(
    treino.data, treino.target, X_val=validacao.data, y_val=validacao.target
)

# %%
# .. note::
#
#    O laço de treino do notebook guarda o valor da perda na variável ``loss``, que era o nó do
#    grafo. No segundo lote, ``sess.run`` recebe um número no lugar do nó e para com um erro. Os
#    números impressos no notebook vêm de um modelo já treinado, lido do disco
#    (``load_save = True``).

# %%
# A melhor época
# --------------
# Para escolher a época é preciso avaliar a rede em vídeos que ela não viu no treino. A perda de
# treino cai quase sempre, mesmo quando a rede só está decorando. A métrica na validação mostra se
# ela aprendeu algo que vale para outros vídeos.

gaps = np.array(modelo.validation_scores_)
melhor = int(gaps.argmax())
epocas = np.arange(1, len(gaps) + 1)

figura, eixo_perda = plt.subplots(figsize=(7, 4), layout="constrained")
(linha_perda,) = eixo_perda.semilogy(
    epocas, modelo.loss_curve_, "o-", color="C0", label="perda no treino"
)
eixo_perda.set_xlabel("época")
eixo_perda.set_ylabel("perda no treino (escala log)", color="C0")
eixo_perda.set_xticks(epocas)
eixo_gap = eixo_perda.twinx()
(linha_gap,) = eixo_gap.plot(
    epocas, gaps, "s-", color="C1", label="GAP@20 na validação"
)
(marca,) = eixo_gap.plot(
    melhor + 1,
    gaps[melhor],
    "o",
    markersize=16,
    markerfacecolor="none",
    markeredgecolor="C3",
    markeredgewidth=2,
    label=f"melhor época: {melhor + 1}",
)
eixo_gap.set_ylabel("GAP@20 na validação", color="C1")
eixo_gap.set_ylim(0, 1)
eixo_perda.legend(
    handles=[linha_perda, linha_gap, marca],
    loc="lower center",
    bbox_to_anchor=(0.5, 1),
    ncols=3,
    frameon=False,
)
plt.show()

# %%
# **Como ler.** Em azul (eixo da esquerda), a perda: quanto menor, melhor. Em laranja (eixo da
# direita), o GAP@20 na validação: quanto maior, melhor. O círculo marca a época que fica.
#
# Nas primeiras épocas a perda despenca e o GAP quase não sobe: a rede aprende primeiro que quase
# todo rótulo é raro, e só depois a separar um vídeo do outro. O notebook escolhe a época pelo
# número que ele chama de "gap"; aqui a escolha é pelo GAP@20 verdadeiro. A diferença entre os dois
# é o assunto do passo 3.

# %%
# Hit@k reproduzido (``evaluate.py``)
# -----------------------------------
# Hit@k é a parte dos vídeos com pelo menos um rótulo certo entre os *k* de maior ativação. A ideia
# no notebook: para cada vídeo, ordenar as 3.862 saídas, procurar os rótulos certos e somar.
#
# Aqui: uma função para cada métrica.

pontos = modelo.predict_proba(validacao.data)
aqui = {
    '"gap" do notebook': label_reciprocal_rank_score(
        validacao.target, pontos, groups=validacao.shard
    ),
    "Hit@1": hit_at_k_score(validacao.target, pontos, k=1),
    "Hit@5": hit_at_k_score(validacao.target, pontos, k=5),
    "Hit@20": hit_at_k_score(validacao.target, pontos, k=20),
}
impresso = {
    '"gap" do notebook': 0.5089,
    "Hit@1": 0.7886,
    "Hit@5": 0.8855,
    "Hit@20": 0.9256,
}

print(f"{'':20}{'aqui':>8}{'notebook':>10}")
for nome, valor in aqui.items():
    print(f"{nome:20}{valor:8.4f}{impresso[nome]:10.4f}")
print(f"{'GAP@20':20}{gap_score(validacao.target, pontos):8.4f}{'-':>10}")

# %%
# A coluna "notebook" traz os números impressos no notebook, dos 5.679 vídeos de validação do curso.
# Com a amostra, as duas colunas não são comparáveis: são outros vídeos. Com os arquivos do curso em
# ``YT8M_CURSO``, espere valores próximos, mas não iguais: os pesos iniciais são outros, e os lotes
# têm sempre 201 vídeos, enquanto alguns arquivos têm menos. O que este pacote obteve com a mesma
# receita está na :ref:`página de resultados <results>`.

ks = np.arange(1, 21)
curva = [hit_at_k_score(validacao.target, pontos, k=k) for k in ks]

figura, eixo = plt.subplots(figsize=(7, 3.8), layout="constrained")
eixo.plot(ks, curva, "o-", color="C0", label="Hit@k")
for k in (1, 5, 20):
    eixo.annotate(
        f"Hit@{k} = {curva[k - 1]:.3f}",
        (k, curva[k - 1]),
        xytext=(0, -20) if k == 20 else (10, -14),
        textcoords="offset points",
        ha="right" if k == 20 else "left",
    )
eixo.set(
    xlabel="k, número de rótulos mostrados",
    ylabel="parte dos vídeos com um acerto",
)
eixo.set_xticks([1, 5, 10, 15, 20])
eixo.margins(y=0.15)
eixo.grid(True, color="0.9")
plt.show()

# %%
# **Como ler.** Cada ponto diz em que parte dos vídeos há um acerto entre os *k* primeiros rótulos.
# A curva nunca desce, porque quem acerta com cinco também acerta com seis.

# %%
# Gravar e carregar o modelo
# --------------------------
# A ideia no notebook: um ``Saver`` grava os pesos, e é preciso montar a mesma rede de novo antes de
# restaurá-los. Aqui: um arquivo guarda a rede inteira, com a receita.

with tempfile.TemporaryDirectory() as pasta:
    arquivo = Path(pasta) / "curso.safetensors"
    modelo.save(arquivo)
    recuperado = load(arquivo)
alguns = validacao.data[:10]
print(
    np.array_equal(
        recuperado.predict_proba(alguns), modelo.predict_proba(alguns)
    )
)

# %%
# Exercícios
# ----------
#
# Exercício 1: sobreajuste de propósito
# ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
# Treine uma rede pequena com poucos vídeos e muitas épocas. O que acontece com a perda de treino? E
# com a perda na validação?

# %%
# Resposta
# ^^^^^^^^
# A perda de treino continua caindo, porque a rede decora os poucos vídeos que viu. A da validação
# para de cair e volta a subir. Isso é sobreajuste (*overfitting*). Aqui a perda na validação é
# calculada depois de cada chamada de ``partial_fit``, que treina por uma época. A taxa de
# aprendizado é o triplo da do notebook, para que sessenta épocas bastem.

poucos = slice(0, 200)
usados = np.unique(treino.target[poucos].indices)
verdade = validacao.target[:, usados].toarray().ravel()

pequena = DeepMultiLabelClassifier(**RECEITA_DO_NOTEBOOK, random_state=0)
pequena.set_params(
    hidden_layer_sizes=(64,), batch_size=50, learning_rate_init=0.003
)
na_validacao, no_treino = [], []
for _ in range(60):
    pequena.partial_fit(treino.data[poucos], treino.target[poucos][:, usados])
    no_treino.append(pequena.loss_curve_[-1])
    na_validacao.append(
        log_loss(verdade, pequena.predict_proba(validacao.data).ravel())
    )

figura, eixo = plt.subplots(figsize=(7, 3.8), layout="constrained")
eixo.semilogy(
    np.arange(1, 61), no_treino, label="perda no treino (200 vídeos)"
)
eixo.semilogy(np.arange(1, 61), na_validacao, label="perda na validação")
eixo.axvline(
    np.argmin(na_validacao) + 1,
    color="0.5",
    linestyle=":",
    label="mínimo na validação",
)
eixo.set(xlabel="época", ylabel="perda (escala log)")
eixo.legend(frameon=False)
plt.show()

# %%
# **Como ler.** À direita da linha pontilhada, a rede continua melhorando nos vídeos de treino e
# piora nos outros.

# %%
# Exercício 2: a receita padrão
# ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
# Treine uma rede bem menor, com uma camada oculta de 200 unidades, por seis épocas, e deixe todo o
# resto no padrão do pacote. Compare o Hit@1 e o GAP@20 com os da receita do notebook.

# %%
# Resposta
# ^^^^^^^^
# Basta não dizer mais nada. A receita padrão padroniza as características, começa os vieses da
# saída na frequência de cada rótulo e soma a perda sobre os rótulos. Com isso a rede aprende mais
# depressa.

padrao = DeepMultiLabelClassifier(
    hidden_layer_sizes=(200,), max_iter=6, random_state=0
)
padrao.fit(treino.data, treino.target)
melhores = padrao.predict_top_k(validacao.data, k=20)
print(f"Hit@1  {hit_at_k_score(validacao.target, melhores, k=1):.4f}")
print(f"GAP@20 {gap_score(validacao.target, melhores):.4f}")

# %%
# Em resumo
# ---------
# A receita são parâmetros, o treino é ``fit``, e a melhor época é escolhida pela validação. O passo
# 3 explica por que o primeiro número da tabela não se chama GAP.
