"""The operations of the models, each with a fast way on the CPU and a plain one."""
