package findings

import (
	"context"

	"muster/internal/finding"
	"muster/internal/store"
	"muster/internal/store/groups"
)

// groupDeltas are what changes to findings add to the groups' counts.
type groupDeltas struct {
	counts map[groups.Key]groups.Counts
	// homes are the groups in which a resource counts once however many
	// findings it has, owns those of the resources themselves.
	homes, owns map[int64]groups.Key
}

func newGroupDeltas() *groupDeltas {
	return &groupDeltas{map[groups.Key]groups.Counts{}, map[int64]groups.Key{}, map[int64]groups.Key{}}
}

// add counts a finding n times where it is ACTIVE; n may be negative.
func (d *groupDeltas) add(f *finding.Finding, resource, n int64) {
	if f.Status != finding.Active {
		return
	}
	c := countsOf(f).Times(n)
	for _, k := range groupsOf(f, resource) {
		switch k.Kind {
		case groups.AMI, groups.Repository:
			d.homes[resource] = k
		case groups.Instance:
			c := c
			if f.Type == finding.NetworkReachability {
				c.Extra = n
			}
			d.owns[resource] = k
			d.counts[k] = d.counts[k].Plus(c)
			continue
		case groups.Image:
			d.owns[resource] = k
		}
		d.counts[k] = d.counts[k].Plus(c)
	}
}

func countsOf(f *finding.Finding) groups.Counts {
	c := groups.Counts{Findings: 1}
	switch f.Severity {
	case finding.Critical:
		c.Critical = 1
	case finding.High:
		c.High = 1
	case finding.Medium:
		c.Medium = 1
	}
	if f.Exploit == finding.Yes {
		c.Exploitable = 1
	}
	if f.Fix == finding.Yes {
		c.Fixable = 1
	}
	return c
}

// store adds the deltas, and counts the resources that now have findings or
// have none any more.
func (d *groupDeltas) store(ctx context.Context, tx *store.Tx) error {
	var changed []int64
	for resource := range d.homes {
		if d.counts[d.owns[resource]].Findings != 0 {
			changed = append(changed, resource)
		}
	}
	before, err := groups.OfResources(ctx, tx, changed)
	if err != nil {
		return err
	}
	for _, resource := range changed {
		home := d.homes[resource]
		had := before[resource].Findings
		has := had + d.counts[d.owns[resource]].Findings
		d.counts[home] = d.counts[home].Plus(groups.Counts{Extra: one(has > 0) - one(had > 0)})
	}
	return groups.Add(ctx, tx, d.counts)
}

func one(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// groupsOf are the groups that a finding counts in, each once.
func groupsOf(f *finding.Finding, resource int64) []groups.Key {
	l := groupList{of: groups.Key{Account: f.Account, Region: f.Region}}
	kind, on := string(f.Type), string(f.Resource.Type)
	for _, slice := range [][2]string{{}, {kind, ""}, {"", on}, {kind, on}} {
		l.add(groups.Account.Sliced(slice[0], slice[1]), 0)
	}
	l.add(groups.Type, 0, kind)
	l.add(groups.Type.Sliced("", on), 0, kind)
	vulnerability := ""
	if f.Package != nil {
		vulnerability = f.Package.VulnerabilityID
	}
	l.add(groups.Title, 0, f.Title, vulnerability)
	l.resource(&f.Resource, resource)
	if f.Package != nil {
		l.packages(f, resource)
	}
	return l.keys
}

type groupList struct {
	of   groups.Key
	keys []groups.Key
}

func (l *groupList) add(kind groups.Kind, resource int64, keys ...string) {
	k := l.of
	k.Kind, k.Resource = kind, resource
	copy(k.Keys[:], keys)
	l.keys = append(l.keys, k)
}

// resource adds the groups that follow from the resource.
func (l *groupList) resource(r *finding.Resource, number int64) {
	switch r.Type {
	case finding.Instance:
		l.add(groups.Instance, number, r.ID)
		if r.Instance != nil && r.Instance.ImageID != "" {
			l.add(groups.AMI, 0, r.Instance.ImageID)
		}
	case finding.ContainerImage:
		l.add(groups.Image, number, r.ID)
		if r.Image != nil && r.Image.Repository != "" {
			l.add(groups.Repository, 0, r.Image.Repository)
		}
	case finding.LambdaFunction:
		l.add(groups.Function, number, r.ID)
	case finding.CodeRepository:
		l.add(groups.Project, number, r.ID)
	}
}

// packages adds the groups that follow from the packages.
func (l *groupList) packages(f *finding.Finding, resource int64) {
	seen := map[groups.Key]bool{}
	add := func(kind groups.Kind, resource int64, keys ...string) {
		before := len(l.keys)
		l.add(kind, resource, keys...)
		if k := l.keys[before]; seen[k] || keys[len(keys)-1] == "" {
			l.keys = l.keys[:before]
		} else {
			seen[k] = true
		}
	}
	r := &f.Resource
	for _, p := range f.Package.Packages {
		add(groups.Package, 0, p.Name)
		switch {
		case r.Image != nil && r.Image.Repository != "":
			add(groups.Layer, resource, r.Image.Repository, r.ID, p.Layer)
		case r.Function != nil && r.Function.Name != "":
			add(groups.FunctionLayer, resource, r.Function.Name, r.ID, p.LambdaLayer)
		}
	}
}
