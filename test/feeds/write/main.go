// Command write writes the awkward feeds to a directory, to try them by hand.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"inventoryd/test/feeds"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: write DIR")
		os.Exit(2)
	}
	for _, f := range feeds.All() {
		path := filepath.Join(os.Args[1], f.Name)
		if err := os.WriteFile(path, f.Body, 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "write:", err)
			os.Exit(1)
		}
		fmt.Printf("%s: %s", path, f.What)
		for _, setting := range f.Settings {
			fmt.Printf(" --set loader.%s", setting)
		}
		fmt.Println()
	}
}
