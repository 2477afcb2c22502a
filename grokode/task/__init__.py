"""What is learned: laws of the inputs, targets, labelled data, and the systems that draw them."""
