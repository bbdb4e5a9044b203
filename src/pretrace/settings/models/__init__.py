"""Settings of each kind of model beside the transformer, and of a head on frozen features."""
