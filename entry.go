package peal

// Entry says what a managed webhook was last set from, so that a later reading of
// the configuration finds it again and sees whether the entry has changed since.
type Entry struct {
	// Name is the entry's own name, which no other entry has.
	Name string
	// Digest stands for everything that the entry said, its secrets included.
	Digest string
}
