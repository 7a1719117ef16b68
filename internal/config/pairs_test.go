package config

import (
	"strings"
	"testing"
	"time"
)

func TestTransitionsAndPrices(t *testing.T) {
	env := map[string]string{"MUSTER_TRANSITIONS": "ENABLING=2s, CREATED=0s", "MUSTER_USAGE_PRICES": "EC2_INSTANCE_HOURS=0.00173611"}
	c, err := Load("", func(k string) string { return env[k] })
	if err != nil {
		t.Fatal(err)
	}
	times, err := c.TransitionTimes()
	if err != nil || len(times) != 2 || times["ENABLING"] != 2*time.Second {
		t.Errorf("%v %v", times, err)
	}
	prices, err := c.Prices()
	if err != nil || prices["EC2_INSTANCE_HOURS"] != 0.00173611 {
		t.Errorf("%v %v", prices, err)
	}
}

func TestPairsThatMeanNothingAreRefused(t *testing.T) {
	for variable, text := range map[string]string{
		"MUSTER_TRANSITIONS": "ENABLING=soon;ENABLED=1s;ENABLING;ENABLING=-1s", "MUSTER_USAGE_PRICES": "EC2=1;ECR_RESCAN=NaN;ECR_RESCAN=-1;ECR_RESCAN=1 USD",
	} {
		for value := range strings.SplitSeq(text, ";") {
			_, err := Load("", func(k string) string { return map[string]string{variable: value}[k] })
			if err == nil || !strings.Contains(err.Error(), strings.ToLower(strings.TrimPrefix(variable, "MUSTER_"))) {
				t.Errorf("%s=%s: %v", variable, value, err)
			}
		}
	}
}
