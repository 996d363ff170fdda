package config

import (
	"strconv"
	"strings"

	"github.com/pealhq/peal"
)

// Ports is a range of ports, both ends included. 0 to 0 is every port.
type Ports struct{ First, Last uint16 }

// All reports whether every port is meant.
func (p Ports) All() bool { return p == Ports{} }

// String writes one port, or two with a dash between them.
func (p Ports) String() string {
	if p.First == p.Last {
		return strconv.Itoa(int(p.First))
	}
	return strconv.Itoa(int(p.First)) + "-" + strconv.Itoa(int(p.Last))
}

// UnmarshalText reads a port such as 443 or a range such as 1024-65535. The error
// has code [peal.Invalid].
func (p *Ports) UnmarshalText(text []byte) error {
	first, last, two := strings.Cut(string(text), "-")
	if !two {
		last = first
	}
	a, errA := strconv.ParseUint(first, 10, 16)
	b, errB := strconv.ParseUint(last, 10, 16)
	if errA != nil || errB != nil || a > b || two && a == 0 {
		return peal.Errorf(peal.Invalid, "must be a port such as 443 or a range such as 1024-65535")
	}
	p.First, p.Last = uint16(a), uint16(b)
	return nil
}
