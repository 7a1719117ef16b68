package config

import (
	"fmt"
	"strconv"
)

// QuotaNumbers reads Quotas, by the names of the organizations' limits.
func (c *Config) QuotaNumbers() (map[string]int64, error) {
	names := []string{
		"accounts", "units", "depth", "tags", "account_requests", "invitations", "migration", "closing", "closures",
		"closures_percent", "closures_max", "transfers_inbound", "transfers_outbound", "transfers_chain",
		"policies", "service_control_policies", "resource_control_policies",
		"policy_content", "service_control_policy_content", "resource_control_policy_content",
		"policy_attachments", "policy_attachments_few",
	}
	return pairs("quotas", c.Quotas, names, func(text string) (int64, error) {
		n, err := strconv.ParseInt(text, 10, 32)
		if err == nil && n < 0 {
			err = fmt.Errorf("%s is negative", text)
		}
		return n, err
	})
}

// The values of Throttle.
const (
	ThrottleOff = "off"
	ThrottleAWS = "aws"
)
