"""From a language model to one that is judged: demonstrations, a reward model, PPO, and what they are compared with."""
