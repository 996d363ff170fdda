package config

import (
	"strconv"
	"strings"

	"github.com/pealhq/peal"
)

// Size is a number of bytes, written as 300000, 256KiB or 1MiB.
type Size int

var units = []struct {
	suffix string
	bytes  int
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"", 1}}

// UnmarshalText reads a size. The error has code [peal.Invalid].
func (s *Size) UnmarshalText(text []byte) error {
	for _, unit := range units {
		digits, ok := strings.CutSuffix(string(text), unit.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSpace(digits), 10, 31)
		if err != nil || n > (1<<40)/uint64(unit.bytes) {
			break
		}
		*s = Size(int(n) * unit.bytes)
		return nil
	}
	return peal.Errorf(peal.Invalid, "must be a size in bytes, such as 300000, 256KiB or 1MiB")
}

// String writes the size in the largest unit that divides it.
func (s Size) String() string {
	for _, unit := range units {
		if s != 0 && int(s)%unit.bytes == 0 {
			return strconv.Itoa(int(s)/unit.bytes) + unit.suffix
		}
	}
	return "0"
}
