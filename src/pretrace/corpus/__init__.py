"""Documents in, clean text out: `clean_text`, and the steps of the stages `collect` and `clean`.

Importing this is cheap: spaCy, ftfy and pyarrow are imported where they are used.
"""

from pretrace.corpus.cleaning.run import clean_documents
from pretrace.corpus.collect import collect_text, corpus_name, corpus_sources, read_corpus
from pretrace.corpus.documents import Document, read_documents, write_documents
from pretrace.corpus.filters.contamination import EvaluationText, read_evaluation_texts, write_evaluation_texts
from pretrace.corpus.readers.installed_docs import collect_installed
from pretrace.corpus.readers.read_documents import read_files
from pretrace.corpus.text.clean import clean_text, clean_text_plainly
from pretrace.corpus.text.prepared_text import PreparedText, prepared_folder
from pretrace.corpus.text.recipe import Gpt1Words

__all__ = [
    "Document",
    "EvaluationText",
    "Gpt1Words",
    "PreparedText",
    "clean_documents",
    "clean_text",
    "clean_text_plainly",
    "collect_installed",
    "collect_text",
    "corpus_name",
    "corpus_sources",
    "prepared_folder",
    "read_corpus",
    "read_documents",
    "read_evaluation_texts",
    "read_files",
    "write_documents",
    "write_evaluation_texts",
]
