package peal

import (
	"errors"
	"strings"
)

// Invalids are several faults of one input, each with its field, in the order of the
// input. [errors.As] finds the first one.
type Invalids []*Error

// Error gives the faults in turn.
func (f Invalids) Error() string {
	words := make([]string, len(f))
	for i, one := range f {
		words[i] = one.Error()
	}
	return strings.Join(words, "; ")
}

// Unwrap returns the faults for package errors.
func (f Invalids) Unwrap() []error {
	all := make([]error, len(f))
	for i, one := range f {
		all[i] = one
	}
	return all
}

// Faults joins what is wrong with an input: nil for nothing, the only fault as it is,
// and several as [Invalids]. An error that is no fault of an input (see [FaultsOf]) is
// returned in place of all. Of faults of one field the first counts.
func Faults(errs ...error) error {
	var all Invalids
	seen := make(map[string]bool)
	for _, err := range errs {
		if err == nil {
			continue
		}
		found := FaultsOf(err)
		if found == nil {
			return err
		}
		for _, one := range found {
			if !seen[one.Field] {
				seen[one.Field] = true
				all = append(all, one)
			}
		}
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	return all
}

// FaultsOf returns the faults of an input that an error tells of, each of code [Invalid]
// or [TooLarge]; none for any other error.
func FaultsOf(err error) []*Error {
	var several Invalids
	if errors.As(err, &several) {
		return several
	}
	var one *Error
	if errors.As(err, &one) && (one.Code == Invalid || one.Code == TooLarge) {
		return []*Error{one}
	}
	return nil
}
