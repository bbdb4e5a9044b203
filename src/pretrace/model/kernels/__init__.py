"""Operations of the models, each with a fast CPU version and a plain one."""
