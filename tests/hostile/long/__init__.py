"""The long attacks of `make hostile`: no test collects them."""
