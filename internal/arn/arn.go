// Package arn holds AWS's naming words: account ids, Regions, resource names
// and the principals that sign requests. They are plain values; nothing in
// this package reaches out.
package arn

import (
	"fmt"
	"strings"
)

// AccountID is a 12-digit AWS account id.
type AccountID string

// Valid reports whether the id is exactly twelve ASCII digits.
func (a AccountID) Valid() bool {
	if len(a) != 12 {
		return false
	}
	for i := range len(a) {
		if a[i] < '0' || a[i] > '9' {
			return false
		}
	}
	return true
}

// Root is the ARN of the account's root user.
func (a AccountID) Root() ARN { return ARN("arn:aws:iam::" + string(a) + ":root") }

// Region is an AWS Region name such as "us-east-1".
type Region string

// ARN is a full Amazon Resource Name.
type ARN string

// New joins the five variable parts of an ARN in the partition "aws". Region
// and account may be empty for global resources.
func New(service string, region Region, account AccountID, resource string) ARN {
	return ARN(fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, region, account, resource))
}

// Parts are the fields of an ARN, in order, without the leading "arn".
type Parts struct {
	Partition, Service string
	Region             Region
	Account            AccountID
	Resource           string
}

// Parse splits an ARN. The resource keeps any further colons and slashes.
func Parse(a ARN) (Parts, error) {
	f := strings.SplitN(string(a), ":", 6)
	if len(f) != 6 || f[0] != "arn" || f[1] == "" || f[2] == "" || f[5] == "" {
		return Parts{}, fmt.Errorf("%q is not an ARN", a)
	}
	return Parts{Partition: f[1], Service: f[2], Region: Region(f[3]), Account: AccountID(f[4]), Resource: f[5]}, nil
}
