package figure

import "testing"

func TestValuesHaveFourDigits(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 0.00298765: "0.002988", 4.30749: "4.307", 12: "12.00", 574.96: "575.0", 318_349.2: "318300", -1.5: "-1.500",
	} {
		if got := text(v); got != want {
			t.Errorf("%v is %s, want %s", v, got, want)
		}
	}
}
