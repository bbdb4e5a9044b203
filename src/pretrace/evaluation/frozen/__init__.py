"""Tasks by a linear classifier on the states of the pre-trained model, none of whose weights is trained again."""
