using System.Runtime.InteropServices;
using Pitr.Format.Manifests;

namespace Pitr.Operations.Files.InPlace;

/// <summary>Looks at the directories that a restore in place needs, before it changes anything.</summary>
static class TreeJournalLook
{
    /// <summary>Each as it is, after the one it lies in.</summary>
    /// <param name="plan">What is restored.</param>
    /// <param name="handles">Open its directories.</param>
    /// <param name="suffix">What the names of what is in the way will end with.</param>
    /// <exception cref="IOException">One cannot be looked at.</exception>
    public static IEnumerable<TreeJournalDirectory> Of(TreePlan plan, TreeHandles handles, string suffix)
    {
        var (missing, touched) = (new HashSet<int>(), new HashSet<int>());
        // One that is made changes the one it lies in.
        for (var number = plan.Directories.Count - 1; number > 0; number--)
        {
            if (plan.Directories[number].IsNeeded && handles.TryOpen(number) is null)
            {
                touched.Add(plan.Directories[number].Parent);
            }
        }

        for (var number = 0; number < plan.Directories.Count; number++)
        {
            var directory = plan.Directories[number];
            if (directory.IsNeeded)
            {
                var isTouched = directory.IsMeant || directory.IsWritten || touched.Contains(number);
                var noted = Look(directory, number, isTouched, missing.Contains(directory.Parent), handles, suffix);
                if (noted.Former is null)
                {
                    missing.Add(number);
                }

                yield return noted;
            }
        }
    }

    static TreeJournalDirectory Look(TreePlanDirectory directory, int number, bool isTouched, bool isBelowMissing, TreeHandles handles, string suffix)
    {
        var path = "/" + directory.Path;
        if (isBelowMissing)
        {
            return new TreeJournalDirectory(number, directory.Parent, directory.Name) { IsTouched = true };
        }

        if (handles.TryOpen(number) is { } opened)
        {
            if (TreeCalls.StatX(opened, "\0"u8, TreeCalls.EmptyPath, TreeCalls.BasicStatus, out var status) != 0)
            {
                throw TreeError.Last("cannot be looked at", path);
            }

            IReadOnlyList<FileAttribute> attributes = isTouched ? TreeAttributes.Read(opened, path) : [];
            return new TreeJournalDirectory(number, directory.Parent, directory.Name) { IsTouched = isTouched, Former = TreeIdentity.Of(status), Attributes = attributes };
        }

        switch (Marshal.GetLastPInvokeError())
        {
            case TreeCalls.NoEntry:
                return new TreeJournalDirectory(number, directory.Parent, directory.Name) { IsTouched = true };
            case TreeCalls.NotDirectory or TreeCalls.TooManyLinks:
                var within = handles.Open(directory.Parent);
                return new TreeJournalDirectory(number, directory.Parent, directory.Name)
                {
                    IsTouched = true,
                    InTheWay = TreeNames.Look(within, directory.Name, path) is { } there ? TreeIdentity.Of(there) : null,
                    Attempt = TreeNames.FirstFree(within, directory.Name, suffix, path),
                };
            default:
                throw TreeError.Last("cannot be opened", path);
        }
    }
}
