package config

import (
	"net/netip"

	"github.com/pealhq/peal"
)

// Network is a range of IP addresses, written as 10.1.0.0/16, or one address.
type Network struct{ prefix netip.Prefix }

// Prefix returns the range.
func (n Network) Prefix() netip.Prefix { return n.prefix }

// String writes the range with its length.
func (n Network) String() string { return n.prefix.String() }

// UnmarshalText reads a range or a single address. The error has code [peal.Invalid].
func (n *Network) UnmarshalText(text []byte) error {
	if prefix, err := netip.ParsePrefix(string(text)); err == nil {
		n.prefix = prefix.Masked()
		return nil
	}
	if address, err := netip.ParseAddr(string(text)); err == nil && address.Zone() == "" {
		n.prefix = netip.PrefixFrom(address, address.BitLen())
		return nil
	}
	return peal.Errorf(peal.Invalid, "must be a network such as 10.1.0.0/16 or an address such as 10.1.2.3")
}

// Address is one IP address, written as 192.0.2.1; zero for none.
type Address struct{ addr netip.Addr }

// Addr returns the address; zero for none.
func (a Address) Addr() netip.Addr { return a.addr }

// String writes the address; "" for none.
func (a Address) String() string {
	if !a.addr.IsValid() {
		return ""
	}
	return a.addr.String()
}

// UnmarshalText reads an address. The error has code [peal.Invalid].
func (a *Address) UnmarshalText(text []byte) error {
	addr, err := netip.ParseAddr(string(text))
	if err != nil {
		return peal.Errorf(peal.Invalid, "must be an address such as 10.1.2.3")
	}
	a.addr = addr.Unmap()
	return nil
}
