package config

import "fmt"

// Source is where a key's value comes from. The zero Source is the default.
type Source struct {
	File         string
	Line, Column int    // of the key in File; 0 where the whole file is meant
	Variable     string // of the environment
	Flag         string // of the command line
}

// Sources has the source of each key whose value is not the default, by the key's path.
type Sources map[string]Source

func (s Source) String() string {
	if p := s.place(); p != "" {
		return p
	}
	return "default"
}

func (s Source) place() string {
	switch {
	case s.Flag != "":
		return s.Flag
	case s.Variable != "":
		return s.Variable
	case s.Line > 0:
		return fmt.Sprintf("%s:%d:%d", s.File, s.Line, s.Column)
	}
	return s.File
}

// rank orders problems: those of the file, of the environment, of the flags.
func (s Source) rank() int {
	switch {
	case s.Flag != "":
		return 2
	case s.Variable != "":
		return 1
	}
	return 0
}
