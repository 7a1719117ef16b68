//go:build !linux

package host

import "runtime"

func uname() (release, machine string, err error) { return "", runtime.GOARCH, nil }
