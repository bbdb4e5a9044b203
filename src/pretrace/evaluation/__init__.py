"""What a language model answers without fine-tuning: the heuristics of the paper (section 5), and language tests.

scoring          log-probabilities of tokens, given those before them
heuristics       a task's rows as such questions, and the answers
rows             a task's rows as text
tasks            every task, model and number of updates: reports/zeroshot.json
last_word        LAMBADA's question
language_tests   all tests of params.yaml
"""
