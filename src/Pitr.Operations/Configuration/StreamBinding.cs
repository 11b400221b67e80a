namespace Pitr.Operations.Configuration;

/// <summary>Reads the keys of the <c>wal</c> section that are about streaming.</summary>
static class StreamBinding
{
    static readonly TimeSpan ShortestDelay = TimeSpan.FromMilliseconds(10);
    static readonly TimeSpan LongestDelay = TimeSpan.FromMinutes(1);

    public static StreamSettings Bind(YamlSection section, string service) => new(
        section.Flag("stream"),
        Slot(section, service),
        section.Duration("stream-delay", StreamSettings.Default.Delay, ShortestDelay, LongestDelay));

    static string Slot(YamlSection section, string service)
    {
        const string key = "slot";
        var defaultSlot = StreamSettings.SlotOf(service);
        if (section.OptionalText(key, "name of a slot", "pitr_ and the service's name") is not { } value)
        {
            return defaultSlot;
        }

        if (StreamSettings.IsSlotName(value.Text))
        {
            return value.Text;
        }

        section.Report(value.Where, $"{section.Of(key)} can not be \"{value.Text}\"", "1 to 63 of a-z, 0-9 and _");
        return defaultSlot;
    }
}
