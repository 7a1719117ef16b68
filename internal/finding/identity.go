package finding

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"

	"muster/internal/arn"
)

// IDLength is the number of hexadecimal digits of a finding's id.
const IDLength = 32

// key lists what makes a finding the same one, whatever else changes (4.4):
// the vulnerability of a resource; the interface, protocol, ports and edge of
// a network path; the rule and the place of a flaw in code.
func (c *Content) key(resource string) []string {
	key := []string{string(c.Type), resource}
	switch {
	case c.Package != nil:
		key = append(key, c.Package.VulnerabilityID)
	case c.Network != nil:
		n := c.Network
		key = append(key, n.Protocol, strconv.Itoa(int(n.Begin)), strconv.Itoa(int(n.End)), n.Interface, n.Edge)
	case c.Code != nil:
		d := c.Code
		key = append(key, d.DetectorID, d.RuleID, d.Path, strconv.Itoa(int(d.StartLine)))
	}
	return key
}

// ID is the finding's id: 32 hexadecimal digits that follow from the account,
// the Region and the key of the content, so that a finding that comes back
// has the ARN it had before.
func ID(account arn.AccountID, region arn.Region, resource string, c *Content) string {
	h := sha256.New()
	for _, part := range append([]string{string(account), string(region)}, c.key(resource)...) {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(part)))
		h.Write(n[:])
		h.Write([]byte(part))
	}
	return hex.EncodeToString(h.Sum(nil))[:IDLength]
}

// ARN names the finding with that id.
func ARN(account arn.AccountID, region arn.Region, id string) arn.ARN {
	return arn.New("inspector2", region, account, "finding/"+id)
}

// ParseARN takes a finding's ARN apart; ok is false when it is none.
func ParseARN(a arn.ARN) (account arn.AccountID, region arn.Region, id string, ok bool) {
	p, err := arn.Parse(a)
	if err != nil {
		return "", "", "", false
	}
	id, found := strings.CutPrefix(p.Resource, "finding/")
	_, hexErr := hex.DecodeString(id)
	if !found || hexErr != nil || len(id) != IDLength || p.Partition != "aws" || p.Service != "inspector2" || !p.Account.Valid() {
		return "", "", "", false
	}
	return p.Account, p.Region, id, true
}

// ID is the last part of the finding's ARN.
func (f *Finding) ID() string {
	return string(f.ARN[max(0, len(f.ARN)-IDLength):])
}
