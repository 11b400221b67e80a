namespace Pitr.Format.Wal;

/// <summary>Hexadecimal fields of PostgreSQL file names: upper case only, fixed width, as IsXLogFileName() of xlog_internal.h accepts them.</summary>
static class HexText
{
    public static bool TryParse8(ReadOnlySpan<char> text, out uint value)
    {
        value = 0;
        if (text.Length != 8)
        {
            return false;
        }

        foreach (var c in text)
        {
            uint digit;
            if (c is >= '0' and <= '9')
            {
                digit = (uint)(c - '0');
            }
            else if (c is >= 'A' and <= 'F')
            {
                digit = (uint)(c - 'A' + 10);
            }
            else
            {
                return false;
            }

            value = (value << 4) | digit;
        }

        return true;
    }
}
