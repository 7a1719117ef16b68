package config

import (
	"errors"
	"fmt"
	"strings"
)

// ExportBuckets are ExportsBuckets by account, "*" for everybody.
func (c *Config) ExportBuckets() (map[string][]string, error) {
	if c.ExportsEndpoint != "" && (c.ExportsAccessKey == "" || c.ExportsSecretKey == "") {
		return nil, errors.New("exports_endpoint: needs exports_access_key and exports_secret_key")
	}
	found := map[string][]string{}
	for _, text := range c.ExportsBuckets {
		account, bucket, ok := strings.Cut(text, "=")
		if !ok || bucket == "" || account != "*" && len(account) != 12 {
			return nil, fmt.Errorf("exports_buckets: %q is not ACCOUNT=BUCKET or *=BUCKET", text)
		}
		found[account] = append(found[account], bucket)
	}
	return found, nil
}
