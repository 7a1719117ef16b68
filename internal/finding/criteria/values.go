package criteria

import (
	"slices"
	"time"

	"muster/internal/finding"
)

// ResourceTexts are the texts of a resource that filters can ask for, without
// its type, id and tags. Absent attributes have no entry.
func ResourceTexts(r *finding.Resource) map[Attribute][]string {
	m := texts{}
	if i := r.Instance; i != nil {
		m.add(InstanceImageID, i.ImageID)
		m.add(InstanceVPC, i.VPC)
		m.add(InstanceSubnet, i.Subnet)
	}
	if i := r.Image; i != nil {
		m.add(ImageArchitecture, i.Architecture)
		m.add(ImageRegistry, i.Registry)
		m.add(ImageRepository, i.Repository)
		m.add(ImageHash, i.Hash)
		m.add(ImageTags, i.Tags...)
	}
	if r.Repository != nil {
		m.add(ImageRepository, r.Repository.Name)
	}
	if f := r.Function; f != nil {
		m.add(FunctionName, f.Name)
		m.add(FunctionRuntime, f.Runtime)
		m.add(FunctionRole, f.RoleARN)
		m.add(FunctionLayers, f.Layers...)
	}
	if c := r.Code; c != nil {
		m.add(ProjectName, c.Project)
		m.add(ProviderType, c.Provider)
	}
	return m
}

// OfResource reports whether a criterion asks for something of the resource
// that ResourceTexts, ResourceTimes or ResourceNumbers tell, or for its id.
func OfResource(a Attribute) bool {
	switch a {
	case ResourceID, InstanceImageID, InstanceVPC, InstanceSubnet,
		ImageArchitecture, ImageRegistry, ImageRepository, ImageHash, ImageTags, ImagePushedAt, ImageLastInUseAt, ImageInUseCount,
		FunctionName, FunctionRuntime, FunctionRole, FunctionLayers, FunctionLastModified, ProjectName, ProviderType:
		return true
	}
	return false
}

// ResourceTimes are the times of a resource that filters can ask for.
func ResourceTimes(r *finding.Resource) map[Attribute]time.Time {
	m := map[Attribute]time.Time{}
	if i := r.Image; i != nil {
		m[ImagePushedAt], m[ImageLastInUseAt] = i.PushedAt, i.LastInUseAt
	}
	if f := r.Function; f != nil {
		m[FunctionLastModified] = f.LastModifiedAt
	}
	for a, t := range m {
		if t.IsZero() {
			delete(m, a)
		}
	}
	return m
}

// ResourceNumbers are the numbers of a resource that filters can ask for.
func ResourceNumbers(r *finding.Resource) map[Attribute]float64 {
	if r.Image == nil || r.Image.InUseCount == nil {
		return nil
	}
	return map[Attribute]float64{ImageInUseCount: float64(*r.Image.InUseCount)}
}

// ContentTexts are the attributes of a content that can have several values.
func ContentTexts(c *finding.Content) map[Attribute][]string {
	m := texts{}
	if c.Package != nil {
		m.add(RelatedVulnerabilities, c.Package.Related...)
	}
	if c.Network != nil {
		for _, s := range c.Network.Path {
			m.add(ComponentID, s.ID)
			m.add(ComponentType, s.Type)
		}
	}
	if c.Code != nil {
		m.add(DetectorTags, c.Code.DetectorTags...)
	}
	return m
}

// Texts are the values of a criterion over texts in a finding; nil where the
// finding does not have the attribute.
func Texts(f *finding.Finding, a Attribute) []string {
	switch a {
	case ComponentID, ComponentType, RelatedVulnerabilities, DetectorTags:
		return ContentTexts(&f.Content)[a]
	}
	if own, ok := ownText(f, a); ok {
		if own == "" {
			return nil
		}
		return []string{own}
	}
	return ResourceTexts(&f.Resource)[a]
}

// ownText is an attribute of the finding itself; ok is false for those of
// its resource.
func ownText(f *finding.Finding, a Attribute) (value string, ok bool) {
	switch a {
	case FindingARN:
		return string(f.ARN), true
	case AccountID:
		return string(f.Account), true
	case FindingType:
		return string(f.Type), true
	case Severity:
		return string(f.Severity), true
	case FindingStatus:
		return string(f.Status), true
	case Title:
		return f.Title, true
	case ResourceType:
		return string(f.Resource.Type), true
	case ResourceID:
		return f.Resource.ID, true
	case FixAvailable:
		return string(f.Fix), true
	case ExploitAvailable:
		return string(f.Exploit), true
	}
	return detailText(f, a)
}

func detailText(f *finding.Finding, a Attribute) (value string, ok bool) {
	p, n, c := f.Package, f.Network, f.Code
	switch a {
	case VulnerabilityID:
		return member(p, func() string { return p.VulnerabilityID }), true
	case VulnerabilitySource:
		return member(p, func() string { return p.Source }), true
	case VendorSeverity:
		return member(p, func() string { return p.VendorSeverity }), true
	case NetworkProtocol:
		return member(n, func() string { return n.Protocol }), true
	case DetectorName:
		return member(c, func() string { return c.DetectorName }), true
	case CodeFilePath:
		return member(c, func() string { return c.Path }), true
	}
	return "", false
}

func member[T any](details *T, get func() string) string {
	if details == nil {
		return ""
	}
	return get()
}

// Time is the value of a criterion over times; ok is false where the finding
// does not have it.
func Time(f *finding.Finding, a Attribute) (t time.Time, ok bool) {
	switch a {
	case FirstObservedAt:
		return f.FirstObservedAt, true
	case LastObservedAt:
		return f.LastObservedAt, true
	case UpdatedAt:
		return f.UpdatedAt, true
	}
	t, ok = ResourceTimes(&f.Resource)[a]
	return t, ok
}

// NumberOf is the value of a criterion over numbers; ok is false where the
// finding does not have it.
func NumberOf(f *finding.Finding, a Attribute) (n float64, ok bool) {
	switch {
	case a == InspectorScore && f.Score != nil:
		return f.Score.Value, true
	case a == EPSSScore && f.EPSS != nil:
		return *f.EPSS, true
	}
	n, ok = ResourceNumbers(&f.Resource)[a]
	return n, ok
}

// PackageText is a text of a package that package filters can ask for.
func PackageText(p *finding.Package, a Attribute) string {
	switch a {
	case PackageName:
		return p.Name
	case PackageVersion:
		return p.Version
	case PackageRelease:
		return p.Release
	case PackageArchitecture:
		return p.Arch
	case PackageLayer:
		return p.Layer
	case PackageLambdaLayer:
		return p.LambdaLayer
	case PackagePath:
		return p.Path
	}
	return ""
}

// texts collects values, each once, without empty ones.
type texts map[Attribute][]string

func (m texts) add(a Attribute, values ...string) {
	for _, v := range values {
		if v != "" && !slices.Contains(m[a], v) {
			m[a] = append(m[a], v)
		}
	}
}
