"""What the three classifiers share: predicting methods, fitted attributes."""
