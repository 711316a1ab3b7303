"""What the resistance of wires costs a trained model."""
