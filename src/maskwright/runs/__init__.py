"""Every verb that needs several workflows: train, evaluate, predict, demo, recipes; one file each."""
