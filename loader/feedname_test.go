package loader

import "testing"

func TestTheFeedOfAnObjectIsItsKeyWithoutDates(t *testing.T) {
	for key, want := range map[string]string{
		"stock.csv":        "stock.csv",
		"store-17.csv":     "store-17.csv",
		"a/b/1234567.csv":  "a/b/1234567.csv",
		"v2/berlin-04.csv": "v2/berlin-04.csv",
		// digits alone
		"stock-20261126.csv":                  "stock-#.csv",
		"20261126/stock.csv":                  "#/stock.csv",
		"26112026.csv":                        "#.csv",
		"11262026.csv":                        "#.csv",
		"stock_2026112605.csv":                "stock_#.csv",
		"stock_202611260530.csv":              "stock_#.csv",
		"stock_20261126053000.csv":            "stock_#.csv",
		"stock.1795670000.csv":                "stock.#.csv",
		"stock.1795670000123.csv":             "stock.#.csv",
		"stock20261126.csv":                   "stock#.csv",
		"20261126-20261127.csv":               "#-#.csv",
		"in/20261126/20261126T053000Z-17.csv": "in/#/#-17.csv",
		"20261126_053000.csv":                 "#.csv",
		// numbers as long as a date
		"store-99999999.csv":    "store-99999999.csv",
		"store-10023456.csv":    "store-10023456.csv",
		"ean/4006381333931.csv": "ean/4006381333931.csv",
		"9999999999.csv":        "9999999999.csv",
		"999999999999.csv":      "999999999999.csv",
		"20261126-1017.csv":     "#-1017.csv",
		"123456789012345.csv":   "123456789012345.csv",
		"202611261.csv":         "202611261.csv",
		// separated
		"stock-2026-11-26.csv":                "stock-#.csv",
		"2026/11/26/stock.csv":                "#/stock.csv",
		"2026/1/6/stock.csv":                  "#/stock.csv",
		"year=2026/month=11/day=26/stock.csv": "year=#/stock.csv",
		"dt=2026-11-26/hour=05/stock.csv":     "dt=#/hour=05/stock.csv",
		"26.11.2026 stock.csv":                "# stock.csv",
		"stock_26_11_2026.csv":                "stock_#.csv",
		"2026-11-26T05:30:00Z.csv":            "#.csv",
		"2026-11-26T05:30:00.123+01:00.csv":   "#.csv",
		"2026-11-26T0530.csv":                 "#.csv",
		"2026-11-26 05.30.csv":                "#.csv",
		"2026-11-26_05-30-00.csv":             "#.csv",
		"2026-11-26_2026-11-27.csv":           "#_#.csv",
		"2026-11-26_17.csv":                   "#_17.csv",
		"2026-13-26.csv":                      "2026-13-26.csv",
		"1.2.3.csv":                           "1.2.3.csv",
		"10.0.2026.1.csv":                     "10.0.2026.1.csv",
	} {
		if got := feedName("b", key); got != "b/"+want {
			t.Errorf("%s is of the feed %s, want %s", key, got, "b/"+want)
		}
	}
}
