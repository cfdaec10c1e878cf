"""Loaders, writers, downloads and the on-disk store of videos as ``(X, Y)``."""

from sk_yt8m.datasets._convert.convert import convert
from sk_yt8m.datasets._fetch.course import fetch_course
from sk_yt8m.datasets._fetch.vocabulary import fetch_vocabulary
from sk_yt8m.datasets._fetch.yt8m import fetch_tfrecords
from sk_yt8m.datasets._generate import make_videos
from sk_yt8m.datasets._load_csv import load_csv
from sk_yt8m.datasets._load_parquet import load_parquet
from sk_yt8m.datasets._load_tfrecords import load_tfrecords
from sk_yt8m.datasets._sample import load_sample, sample_path
from sk_yt8m.datasets._store.format import StoreError
from sk_yt8m.datasets._store.open_store import Store, open_store
from sk_yt8m.datasets._vocabulary import load_vocabulary
from sk_yt8m.datasets._write_csv import write_csv
from sk_yt8m.datasets._write_parquet import write_parquet
from sk_yt8m.datasets._write_tfrecords import write_tfrecords

__all__ = [
    "Store",
    "StoreError",
    "convert",
    "fetch_course",
    "fetch_tfrecords",
    "fetch_vocabulary",
    "load_csv",
    "load_parquet",
    "load_sample",
    "load_tfrecords",
    "load_vocabulary",
    "make_videos",
    "open_store",
    "sample_path",
    "write_csv",
    "write_parquet",
    "write_tfrecords",
]
