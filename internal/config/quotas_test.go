package config

import (
	"reflect"
	"strings"
	"testing"
)

func TestQuotasAreReadByName(t *testing.T) {
	c := Config{Quotas: []string{"accounts=10", " units=5"}}
	got, err := c.QuotaNumbers()
	if want := map[string]int64{"accounts": 10, "units": 5}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"accounts", "acounts=1", "accounts=-1", "accounts=many", "accounts=99999999999"} {
		c := Config{Quotas: []string{bad}}
		if _, err := c.QuotaNumbers(); err == nil || !strings.Contains(err.Error(), "quotas") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
