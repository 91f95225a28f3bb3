package loader

import "inventoryd/internal/config"

// Try tells whether reports of rejected rows can be written, where they go to a directory.
func (b Bad) Try() error {
	t, err := parseTarget(b.Rejects)
	if err != nil || t.dir == "" {
		return nil // Validate has its say
	}
	if err := config.Writable(t.dir); err != nil {
		return config.Problemf("rejects", "%w", err)
	}
	return nil
}
