package facts

import "slices"

// looseRule is a rule of DescribeSecurityGroupRules, which tells rules apart
// from their groups.
type looseRule struct {
	group  ID
	egress bool
	rules  []Rule
}

func (b *builder) groupRule(w *wireGroupRule, _ place) error {
	p := wirePermission{IPProtocol: w.IPProtocol, FromPort: w.FromPort, ToPort: w.ToPort}
	if w.CidrIpv4 != "" {
		p.IPRanges = []struct{ CidrIP string }{{w.CidrIpv4}}
	}
	if w.CidrIpv6 != "" {
		p.Ipv6Ranges = []struct{ CidrIpv6 string }{{w.CidrIpv6}}
	}
	if w.PrefixListID != "" {
		p.PrefixListIds = []struct{ PrefixListID string }{{w.PrefixListID}}
	}
	rules, err := p.convert()
	if err != nil {
		return err
	}
	if r := w.ReferencedGroupInfo; r.GroupID != "" {
		m := Rule{Group: ID(r.GroupID), Peering: ID(r.VpcPeeringConnectionID), Stale: !in(r.PeeringStatus, "", "active")}
		if m.Match, err = p.match(); err != nil {
			return err
		}
		rules = append(rules, m)
	}
	b.loose = append(b.loose, looseRule{ID(w.GroupID), w.IsEgress, rules})
	return nil
}

// joinRules gives groups the rules that were told apart from them; groups that
// only their rules tell of are added.
func (b *builder) joinRules() {
	at := map[ID]int{}
	for i, g := range b.Groups {
		at[g.ID] = i
	}
	for _, l := range b.loose {
		i, ok := at[l.group]
		if !ok {
			i = len(b.Groups)
			at[l.group] = i
			b.Groups = append(b.Groups, Group{ID: l.group})
		}
		rules := &b.Groups[i].Ingress
		if l.egress {
			rules = &b.Groups[i].Egress
		}
		for _, r := range l.rules {
			if !slices.Contains(*rules, r) {
				*rules = append(*rules, r)
			}
		}
	}
}
