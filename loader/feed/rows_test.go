package feed

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// judged reads a whole feed: what became of each of its rows, and of the feed.
func judged(t *testing.T, text string, rules Rules) (rows []string) {
	t.Helper()
	r, err := Open(&chunks{[]byte(text), 1 + len(text)/1000}, rules)
	if err != nil {
		return []string{err.Error()}
	}
	defer r.Close()
	for {
		row, reject, err := r.Next()
		switch {
		case err != nil && err.Error() == "EOF":
			if n := r.Headers(); n > 0 {
				rows = append(rows, fmt.Sprintf("%d headers passed over", n))
			}
			return rows
		case err != nil:
			return append(rows, err.Error())
		case reject != nil:
			rows = append(rows, fmt.Sprintf("%d: %s", reject.Line, reject.Code))
		default:
			rows = append(rows, fmt.Sprintf("%d: %s/%s %d", row.Line, row.Store, row.Item, row.Count))
		}
	}
}

// TestRowsAreNeverSilentlyWrong holds the rules for what spreadsheets and hands make of a feed.
func TestRowsAreNeverSilentlyWrong(t *testing.T) {
	const head = "store,item,count\n"
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		// fields beyond the header
		{"a decimal comma", head + "Riga,Kettle, 2,0\nRiga,Pan,3\n", []string{"2: fields_extra", "3: Riga/Pan 3"}},
		{"empty fields beyond", head + "Riga,Kettle,2,\nRiga,Pan,3,,\"\", ,\u200b\n", []string{"2: Riga/Kettle 2", "3: Riga/Pan 3"}},
		{"the header's own further columns", "store,item,count,,note\nRiga,Pan,3,x,y\nRiga,Pot,4,x,y,z\n", []string{"2: Riga/Pan 3", "3: fields_extra"}},
		{"text far beyond", head + "Riga,Pan,3" + strings.Repeat(",", 9000) + "x\n", []string{"2: fields_extra"}},
		{"the first problem of several", head + "Riga,,x,y\n", []string{"2: fields_extra"}},
		// quotes
		{"text behind a quote", head + "Graz,\"Pipe 5\" long\",2\nGraz,Cap,1\n", []string{"2: quote_tail", "3: Graz/Cap 1"}},
		{"a quote that a later line closes", head + "Graz,\"Rope, 2\nGraz,Cap,1\nGraz,\"Lid\",3\n", []string{"2: quote_tail", "3: Graz/Cap 1", "4: Graz/Lid 3"}},
		{"a backslash is no escape", head + `Graz,"Pipe 5\" long",2` + "\nGraz,Cap,1\n", []string{"2: quote_tail", "3: Graz/Cap 1"}},
		{"blanks around quotes", head + "Bern, \"Jar, blue\" ,\t\"5\"\u00a0\n", []string{"2: Bern/Jar, blue 5"}},
		{"blanks inside quotes", head + "\" Bern\u00a0\",\"\n Jar\r\n\",\" 5 \"\n", []string{"2: Bern/Jar 5"}},
		{"line breaks inside quotes are LF", head + "Bern,\"a\r\nb\rc\nd \"\"e\"\"\r\n\rf\",5\n", []string{"2: Bern/a\nb\nc\nd \"e\"\n\nf 5"}},
		// joined files
		{"marks at the starts of lines", "\ufeff" + head + "Turku,Cup,3\n\ufeff\ufeffOulu,Cup,0\n\ufeff\"Oulu\",Mug,1\n", []string{"2: Turku/Cup 3", "3: Oulu/Cup 0", "4: Oulu/Mug 1"}},
		{"a mark before a count", "count,store,item\n\ufeff3,Turku,Cup\n", []string{"2: Turku/Cup 3"}},
		{"two marks", "\ufeff\ufeff" + head + "Turku,Cup,3\n", []string{"2: Turku/Cup 3"}},
		{"the header again", "\ufeff" + head + "Turku,Cup,3\n\ufeff" + head + "Oulu,Cup,0\nSTORE, \"item\" ,Count\n", []string{"2: Turku/Cup 3", "4: Oulu/Cup 0", "2 headers passed over"}},
		{"the header again by other names", head + "Turku,Cup,3\nstore,article,qty\nOulu,Cup,0\n", []string{"2: Turku/Cup 3", "4: Oulu/Cup 0", "1 headers passed over"}},
		{"the header again with a further column", head + "Turku,Cup,3\nstore,item,count,note\nOulu,Cup,0,new\n", []string{"2: Turku/Cup 3", "4: Oulu/Cup 0", "1 headers passed over"}},
		{"the header in another order", head + "Turku,Cup,3\nitem,store,count\nCup,Oulu,0\n", []string{
			"2: Turku/Cup 3", `line 3 is another header, with the columns in other places: "item", "store", "count"; send files that differ one by one`,
		}},
		{"the header moved by a column", "x," + head + "1,Turku,Cup,3\n" + head + "Cup,Oulu,0\n", []string{
			"2: Turku/Cup 3", `line 3 is another header, with the columns in other places: "store", "item", "count"; send files that differ one by one`,
		}},
		{"the header in wider rows", head + "Turku,Cup,3\nid,store,item,count\n", []string{
			"2: Turku/Cup 3", `line 3 is another header, with the columns in other places: "id", "store", "item", "count"; send files that differ one by one`,
		}},
		{"items that are called as columns", head + "store,item,3\nstore,count,4\n", []string{"2: store/item 3", "3: store/count 4"}},
		{"a count that is called as its column", head + "Turku,Cup,count\n", []string{"2: count_invalid"}},
		// blanks
		{"zero-width characters", head + "\u200bBern\u200b, \u2060Jar\ufeff ,\u200e5\u200f\n", []string{"2: Bern/Jar 5"}},
		{"zero-width characters inside", head + "Be\u200brn,a\u200db,5\n", []string{"2: Be\u200brn/a\u200db 5"}},
		{"a joiner that belongs to a letter", head + "\u0d28\u0d4d\u200d,Jar\u200d,5\n", []string{"2: \u0d28\u0d4d\u200d/Jar 5"}},
		{"nothing but zero-width characters", head + "\u200b\ufeff,Jar,5\n", []string{"2: store_empty"}},
		{"lines of delimiters", head + ",,\n,,,,\n , ,\t\nBern,Jar,5\n,,", []string{"5: Bern/Jar 5"}},
		{"lines of delimiters above the header", ";;\n\n;;\nstore;item;count\nBern;Jar;5\n", []string{"5: Bern/Jar 5"}},
		{"a line of quotes is a row", head + "\"\",\"\",\"\"\n", []string{"2: store_empty"}},
		// Excel's first line
		{"sep=", "sep=;\r\nstore;item;count\r\nLinz;Jar, blue;5\r\n;;\r\n", []string{"3: Linz/Jar, blue 5"}},
		{"sep= of a tab, behind a mark", "\ufeffSEP=\t\nstore\titem\tcount\nLinz\tJar\t5\n", []string{"3: Linz/Jar 5"}},
		{"sep= of another character", "sep=^\nstore^item^count\nLinz^Jar^5\n", []string{"3: Linz/Jar 5"}},
		{"sep= in quotes", "\"sep=,\"\n" + head + "Linz,Jar,5\n", []string{"3: Linz/Jar 5"}},
		{"sep= saved again", "sep=,,,\n" + head + "Linz,Jar,5\n", []string{"3: Linz/Jar 5"}},
		{"sep= of nothing", "sep=\nstore,item,count\n", []string{
			`no usable header: missing store, item (or article), count (or qty); found: "sep=" (further names can be allowed in loader.columns)`,
		}},
		{"a column that is called sep", "sep=x,store,item,count\n1,Linz,Jar,5\n", []string{"2: Linz/Jar 5"}},
		// the end
		{"Ctrl-Z", head + "Oslo,Ski,4\n\x1a", []string{"2: Oslo/Ski 4"}},
		{"Ctrl-Z behind the last field", head + "Oslo,Ski,4\x1a", []string{"2: Oslo/Ski 4"}},
		{"Ctrl-Z and line ends", head + "Oslo,Ski,4\r\n\x1a\r\n\x1a \r\n", []string{"2: Oslo/Ski 4"}},
		{"NULs", head + "Oslo,Ski,4\n" + strings.Repeat("\x00", 9<<17), []string{"2: Oslo/Ski 4"}},
		{"NULs behind the last field", head + "Oslo,Ski,4" + strings.Repeat("\x00", 9<<17), []string{"2: Oslo/Ski 4"}},
		{"Ctrl-Z in the middle", head + "Oslo,Ski,4\n\x1a\nOslo,Wax,5\n", []string{"2: Oslo/Ski 4", "3: field_missing", "4: Oslo/Wax 5"}},
		{"NULs in the middle", head + "Oslo,Ski,4\n" + strings.Repeat("\x00", 9<<17) + "\nOslo,Wax,5\n", []string{"2: Oslo/Ski 4", "3: line_too_long", "4: Oslo/Wax 5"}},
		{"nothing else", "\x1a\x00\x00", []string{"the object is empty; a header that names the columns store, item and count is required"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, judged(t, c.text, usual)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOnlySoManyColumnsAreLookedAt(t *testing.T) {
	says := judged(t, strings.Repeat("x,", maxColumns)+"store,item,count\n", usual)
	if len(says) != 1 || !strings.Contains(says[0], "it has 4099 columns, of which only the first 4096 are looked at") {
		t.Error(says)
	}
	wide := strings.Repeat("x,", maxColumns-3) + "store,item,count" + strings.Repeat(",x", 10)
	if got := judged(t, wide+"\n"+strings.ReplaceAll(strings.NewReplacer("store", "Bonn", "item", "Jar", "count", "5").Replace(wide), "x", "")+"\n", usual); cmp.Diff([]string{"2: Bonn/Jar 5"}, got) != "" {
		t.Error(got)
	}
}
