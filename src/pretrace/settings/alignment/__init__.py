"""Settings of the second pipeline, `assistant/params.yaml`: supervised fine-tuning, a reward model, PPO.

Each field has InstructGPT's value (Ouyang et al. 2022, arXiv:2203.02155) with its place in the paper, or "not printed".
"""
