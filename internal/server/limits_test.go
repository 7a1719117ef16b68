package server

import (
	"testing"

	"muster/internal/config"
	"muster/internal/organizations/quota"
)

// TestEveryQuotaCanBeConfigured: the configuration knows the limits' names.
func TestEveryQuotaCanBeConfigured(t *testing.T) {
	for _, name := range quota.Names() {
		s := &Server{config: config.Config{Quotas: []string{name + "=3"}}}
		got, err := s.limits()
		want, wantErr := quota.Default().With(map[string]int64{name: 3})
		if err != nil || wantErr != nil || got != want {
			t.Errorf("%s: %+v, %v, %v", name, got, err, wantErr)
		}
	}
}

func TestThrottlingIsOffByDefault(t *testing.T) {
	c := config.Default()
	if (&Server{config: c}).throttle() != nil {
		t.Error("callers are throttled")
	}
	c.Throttle = config.ThrottleAWS
	if (&Server{config: c}).throttle() == nil {
		t.Error("callers are not throttled")
	}
}
