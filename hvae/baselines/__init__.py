"""What a trained model has to beat: principal components, and a restricted Boltzmann machine, both scikit-learn's."""
