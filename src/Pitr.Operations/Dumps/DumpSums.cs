using System.Globalization;
using System.Text;
using Pitr.Format.Catalog;

namespace Pitr.Operations.Dumps;

/// <summary><c>SHA256SUMS</c> of a dump: what <c>sha256sum -c</c> reads, which passes over lines that begin with #.</summary>
static class DumpSums
{
    /// <summary>Writes it.</summary>
    /// <param name="streams">The dump's streams.</param>
    /// <param name="objects">What is stored of it beside this file and the entry: the parts, then the manifest.</param>
    public static byte[] Of(IEnumerable<DumpStreamRecord> streams, IEnumerable<StoredObject> objects)
    {
        var text = new StringBuilder("# SHA-256 of each stream as its tool wrote it, before compression and sealing:\n");
        foreach (var stream in streams)
        {
            // A name may hold a line end, after which no comment would be one.
            text.Append(CultureInfo.InvariantCulture, $"# {stream.Sha256}  {string.Concat(stream.Name.Select(c => char.IsControl(c) ? '?' : c))} ({stream.Format})\n");
        }

        text.Append("# and of the objects in this directory:\n");
        foreach (var item in objects)
        {
            text.Append(CultureInfo.InvariantCulture, $"{item.Sha256}  {item.Key[(item.Key.LastIndexOf('/') + 1)..]}\n");
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }
}
