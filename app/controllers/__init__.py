"""Between the window and the use cases: signals of widgets become flows, stored facts become values of widgets."""
