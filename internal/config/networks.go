package config

import (
	"fmt"
	"net/netip"
)

// SinkPrefixes are SinkNetworks, read.
func (c *Config) SinkPrefixes() ([]netip.Prefix, error) {
	var list []netip.Prefix
	for _, text := range c.SinkNetworks {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("sink_networks: %q is no network such as 10.1.0.0/16", text)
		}
		list = append(list, p.Masked())
	}
	return list, nil
}
