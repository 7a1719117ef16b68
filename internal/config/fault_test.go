package config

import (
	"strings"
	"testing"
)

// TestFaultInjectionStaysOnOneMachine: whatever serves others refuses it.
func TestFaultInjectionStaysOnOneMachine(t *testing.T) {
	for _, c := range []struct {
		listen string
		change func(*Config)
		ok     bool
	}{
		{"127.0.0.1:1", func(*Config) {}, true},
		{"[::1]:1", func(*Config) {}, true},
		{"localhost:1", func(*Config) {}, true},
		{"127.0.0.1:1", func(c *Config) { c.AllowPlainHTTP = true }, false},
		{"127.0.0.1:1", func(c *Config) { c.TLSCert, c.TLSKey = "a", "b" }, false},
		{"10.0.0.1:1", func(c *Config) { c.TLSCert, c.TLSKey = "a", "b" }, false},
		{":1", func(c *Config) { c.AllowPlainHTTP = true }, false},
	} {
		config := Default()
		config.Listen, config.FaultInjection = c.listen, true
		c.change(&config)
		err := config.Check()
		if c.ok != (err == nil) || err != nil && !strings.HasPrefix(err.Error(), "fault_injection: ") {
			t.Errorf("%s: %v", c.listen, err)
		}
	}
}
