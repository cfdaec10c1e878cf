"""
Passo 1: pacotes, sessão e dados
================================

Ao fim deste passo, os vídeos estão na memória em duas matrizes: ``X``, com as características
(*features*), e ``Y``, com os rótulos (*labels*). Você também vê o que acontece aqui com a sessão
do TensorFlow, que no notebook do curso era preciso abrir à mão.

No notebook: seções 1 e 4 e o módulo ``read_batch.py``.
"""

# %%
# Pacotes (seção 1)
# -----------------
# A ideia no notebook: importar o TensorFlow e o numpy e, além deles, dois módulos locais, um que lê
# os arquivos e outro que calcula as métricas.
#
# .. code-block:: python
#
#     import tensorflow, numpy
#     # mais dois arquivos .py copiados para a pasta: leitura e avaliação
#
# Aqui: os dois módulos locais viraram ``sk_yt8m.datasets`` e ``sk_yt8m.metrics``. O TensorFlow é
# instalado junto com o pacote e trabalha por trás dele; você não precisa importá-lo.

import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sk_yt8m.datasets import load_csv, sample_path

PASTA = Path(os.environ.get("YT8M_CURSO", sample_path()))

# %%
# ``PASTA`` é a única linha que diz de onde vêm os dados. Sem mais nada, ela aponta para uma amostra
# que acompanha o pacote: vídeos inventados, no mesmo formato dos arquivos do curso. A amostra serve
# para aprender os passos; os resultados com ela não dizem nada sobre o YouTube.
#
# .. note::
#
#    Para usar os arquivos do curso (1,09 GB), baixe-os uma vez com
#    ``fetch_course(download_only=True)``, que devolve a pasta onde ficaram, e defina a variável de
#    ambiente ``YT8M_CURSO`` com essa pasta antes de abrir o Jupyter. Se você já tem os arquivos,
#    basta definir a variável; deixe o vocabulário na mesma pasta. As características e o
#    vocabulário são do Google, sob a licença CC BY 4.0.

# %%
# A sessão do TensorFlow (seção 4)
# --------------------------------
# A ideia no notebook: antes de treinar, abrir uma sessão, informar quantas características e
# quantas classes existem, montar o grafo e inicializar as variáveis.
#
# .. code-block:: python
#
#     sessao = abrir_sessao()
#     montar_grafo(1152, 3862)
#     inicializar_variaveis(sessao)
#
# Aqui: não há sessão. O método ``fit``, do passo 2, descobre os tamanhos em ``X`` e ``Y``, cria a
# rede e treina. Por isso esta seção não tem código.

# %%
# Os dados em CSV (``read_batch.py``)
# -----------------------------------
# A ideia no notebook: uma função abre o próximo arquivo, converte cada linha e devolve um lote;
# um número negativo avisa que os arquivos acabaram.
#
# .. code-block:: python
#
#     while True:
#         numero, rotulos, caracteristicas = get_next_train_batch()
#         if numero < 0:
#             break
#         ...  # usar o lote
#
# Aqui: uma chamada lê todos os arquivos de uma parte, na ordem dos números.

treino = load_csv(PASTA, split="course-train", return_indicator="sparse")
validacao = load_csv(PASTA, split="course-val", return_indicator="sparse")

X, Y = treino.data, treino.target
print("treino:   ", X.shape, Y.shape)
print("validação:", validacao.data.shape, validacao.target.shape)

# %%
# Uma linha de ``X`` é um vídeo, com 1.152 números: 1.024 da imagem e 128 do som. A mesma linha de
# ``Y`` diz quais dos 3.862 rótulos esse vídeo tem. Um vídeo pode ter vários rótulos, e é por isso
# que a tarefa se chama classificação multirrótulo (*multilabel classification*).
#
# O nome da parte escolhe os arquivos, com a mesma divisão do notebook:
#
# - ``course-train``, o treino: ``train_0`` a ``train_205``;
# - ``course-test``, o teste: ``val_0`` a ``val_27``;
# - ``course-val``, a validação: ``val_28`` a ``val_56``.
#
# A amostra tem só alguns desses arquivos. Outros formatos de arquivo, e o que acontece com linhas
# estragadas, estão na :ref:`página de dados <data>` (em inglês). Veja o primeiro vídeo do treino:

print("arquivo:", treino.files[treino.shard[0]].name, "linha:", treino.line[0])
print("rótulos:", Y[[0]].indices)
print("primeiras características:", X[0, :4])

# %%
# Por que uma matriz esparsa?
# ---------------------------
# Quase todas as células de ``Y`` são zero. O notebook guarda todas elas, cada uma com oito bytes.
# Com ``return_indicator="sparse"``, ``Y`` é uma matriz esparsa (*sparse matrix*), que guarda só a
# posição dos valores 1. O classificador e as métricas trabalham com ela diretamente.

densa = Y.shape[0] * Y.shape[1] * 8
esparsa = Y.data.nbytes + Y.indices.nbytes + Y.indptr.nbytes
print(f"células iguais a 1: {Y.nnz / (Y.shape[0] * Y.shape[1]):.3%}")
print(
    f"densa, como no notebook: {densa / 1e6:.1f} MB; esparsa: {esparsa / 1e6:.2f} MB"
)

# %%
# Duas figuras para conhecer os dados
# -----------------------------------
# Conte primeiro ao longo das linhas (quantos rótulos tem cada vídeo) e depois ao longo das colunas
# (quantos vídeos tem cada rótulo).

por_video = np.asarray(Y.sum(axis=1)).ravel()
por_rotulo = np.asarray(Y.sum(axis=0)).ravel()

figura, (esquerda, direita) = plt.subplots(
    1, 2, figsize=(9, 3.8), layout="constrained"
)
quantidade, videos = np.unique(por_video, return_counts=True)
esquerda.bar(quantidade, videos, color="C0")
esquerda.set(xlabel="rótulos em um vídeo", ylabel="número de vídeos")
esquerda.set_title(f"média: {por_video.mean():.2f} rótulos por vídeo")
esquerda.xaxis.get_major_locator().set_params(integer=True)

em_ordem = np.sort(por_rotulo[por_rotulo > 0])[::-1]
direita.loglog(np.arange(1, len(em_ordem) + 1), em_ordem, ".", color="C1")
direita.set(
    xlabel="posição do rótulo, do mais ao menos comum",
    ylabel="vídeos com o rótulo",
)
direita.set_title("frequência dos rótulos")
direita.grid(True, color="0.9")
plt.show()

# %%
# **Como ler.** À esquerda, a altura de cada barra é o número de vídeos com aquela quantidade de
# rótulos. À direita, cada ponto é um rótulo, e as duas escalas são logarítmicas. Poucos rótulos
# aparecem em muitos vídeos, e a maioria é rara. Uma rede que só aprendesse os mais comuns já
# acertaria bastante; por isso convém olhar mais de uma métrica (passos 2 e 3).

# %%
# Exercícios
# ----------
#
# Exercício 1: rótulos que faltam
# ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
# Quantos dos 3.862 rótulos aparecem ao menos uma vez no treino? Há rótulos que aparecem na
# validação e nunca no treino? A rede tem como aprendê-los?

# %%
# Resposta
# ^^^^^^^^
# Conte as colunas que não são só zeros. Um rótulo sem nenhum vídeo de treino não pode ser
# aprendido: para a rede, a resposta certa foi sempre zero.

na_validacao = np.asarray(validacao.target.sum(axis=0)).ravel()
print("no treino:", np.sum(por_rotulo > 0))
print("só na validação:", np.sum((na_validacao > 0) & (por_rotulo == 0)))

# %%
# Exercício 2: onde começa o som
# ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
# As características de imagem são as colunas 0 a 1023 e as de som, as colunas 1024 a 1151. Compare
# o desvio-padrão das duas partes. O que isso sugere fazer antes do treino?

# %%
# Resposta
# ^^^^^^^^
# As duas partes têm escalas diferentes. Uma solução é padronizar (*standardize*): subtrair a média
# de cada coluna e dividir pelo desvio-padrão. O notebook não faz isso; no pacote é o padrão
# (``standardize=True``).

print(f"imagem: {X[:, :1024].std():.2f}")
print(f"som:    {X[:, 1024:].std():.2f}")

# %%
# Em resumo
# ---------
# Uma chamada de ``load_csv`` para cada parte, nenhuma sessão, e ``Y`` como matriz esparsa. No passo
# 2, ``X`` e ``Y`` treinam a rede do notebook.
