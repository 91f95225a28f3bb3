package expr

// Attributes are the top-level names that a condition looks at.
func Attributes(c Condition) []string {
	switch c := c.(type) {
	case and:
		return append(Attributes(c.left), Attributes(c.right)...)
	case or:
		return append(Attributes(c.left), Attributes(c.right)...)
	case not:
		return Attributes(c.of)
	case comparison:
		return operandNames(c.left, c.right)
	case between:
		return operandNames(c.of, c.low, c.high)
	case in:
		return append(operandNames(c.of), operandNames(c.list...)...)
	case test:
		return operandNames(c.args...)
	}
	return nil
}

func operandNames(operands ...operand) (names []string) {
	for _, o := range operands {
		switch o := o.(type) {
		case path:
			names = append(names, o[0].name)
		case sizeOf:
			names = append(names, operandNames(o.of)...)
		}
	}
	return names
}
