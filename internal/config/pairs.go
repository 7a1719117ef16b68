package config

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// TransitionTimes reads Transitions, by the state's name in AWS's words.
func (c *Config) TransitionTimes() (map[string]time.Duration, error) {
	states := []string{"ENABLING", "DISABLING", "SUSPENDING", "CREATED", "DISABLE_IN_PROGRESS", "PENDING"}
	return pairs("transitions", c.Transitions, states, func(text string) (time.Duration, error) {
		d, err := time.ParseDuration(text)
		if err == nil && d < 0 {
			err = fmt.Errorf("%s is negative", text)
		}
		return d, err
	})
}

// Prices reads UsagePrices, by the usage type's name in AWS's words.
func (c *Config) Prices() (map[string]float64, error) {
	types := []string{
		"EC2_INSTANCE_HOURS", "EC2_AGENTLESS_INSTANCE_HOURS", "ECR_INITIAL_SCAN", "ECR_RESCAN", "LAMBDA_FUNCTION_HOURS",
		"LAMBDA_FUNCTION_CODE_HOURS", "CODE_REPOSITORY_SAST", "CODE_REPOSITORY_IAC", "CODE_REPOSITORY_SCA",
	}
	return pairs("usage_prices", c.UsagePrices, types, func(text string) (float64, error) {
		price, err := strconv.ParseFloat(text, 64)
		if err == nil && (price < 0 || math.IsInf(price, 0) || math.IsNaN(price)) {
			err = fmt.Errorf("%s is no price", text)
		}
		return price, err
	})
}

// FeedAddresses reads FeedsAddresses, by source. Whether there is such a source
// is known where they are fetched.
func (c *Config) FeedAddresses() (map[string]string, error) {
	return pairs("feeds_addresses", c.FeedsAddresses, nil, func(text string) (string, error) {
		u, err := url.Parse(text)
		if err == nil && (u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
			err = fmt.Errorf("%q is no http or https address", text)
		}
		return text, err
	})
}

// FeedIntervals reads FeedsIntervals, by source.
func (c *Config) FeedIntervals() (map[string]time.Duration, error) {
	return pairs("feeds_intervals", c.FeedsIntervals, nil, func(text string) (time.Duration, error) {
		d, err := time.ParseDuration(text)
		if err == nil && d <= 0 {
			err = fmt.Errorf("%s is not positive", text)
		}
		return d, err
	})
}

// pairs reads NAME=VALUE entries of a key; the names are known ones, or any
// where none are given.
func pairs[V any](key string, entries, known []string, read func(string) (V, error)) (map[string]V, error) {
	found := map[string]V{}
	for _, entry := range entries {
		name, text, ok := strings.Cut(strings.TrimSpace(entry), "=")
		if !ok || name == "" || len(known) > 0 && !slices.Contains(known, name) {
			return nil, fmt.Errorf("%s: %q is not NAME=VALUE with one of the names %s", key, entry, strings.Join(known, ", "))
		}
		v, err := read(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", key, name, err)
		}
		found[name] = v
	}
	return found, nil
}
