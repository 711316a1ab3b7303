"""Learning on crossbar arrays: phases, rules, costs, and the quality of the gradient."""
