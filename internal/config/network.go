package config

import (
	"fmt"
	"net/netip"
	"strings"
)

// TrustedBlocks are the blocks of NetworkTrusted; bits beyond their length are
// dropped.
func (c *Config) TrustedBlocks() ([]netip.Prefix, error) {
	var list []netip.Prefix
	for _, text := range c.NetworkTrusted {
		p, err := netip.ParsePrefix(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("network_trusted: %q is no CIDR block", text)
		}
		list = append(list, p.Masked())
	}
	return list, nil
}
