"""Policies: samples, PPO, and what it is compared with."""
