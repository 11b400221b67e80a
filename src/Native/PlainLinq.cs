namespace Pitr;

/// <summary>
/// Takes the place of <see cref="Enumerable"/>'s Where and Select in pitr's own code where it is compiled to machine code for net9.0. There, what they return has a
/// generic virtual method, which the compiler has to write for every pair of a value type that is read and one that is made, in eight forms: two thirds of the
/// program. net10.0 does without by itself, and then this file goes (docs/decisions/0005-native-aot-on-net9.md).
/// </summary>
/// <remarks>They are found before Enumerable's, because they are in a namespace that surrounds the caller's.</remarks>
static class PlainLinq
{
    /// <inheritdoc cref="Enumerable.Where{TSource}(IEnumerable{TSource}, Func{TSource, bool})"/>
    internal static IEnumerable<TSource> Where<TSource>(this IEnumerable<TSource> source, Func<TSource, bool> predicate)
    {
        ArgumentNullException.ThrowIfNull(source);
        return Enumerate(source, predicate);

        static IEnumerable<TSource> Enumerate(IEnumerable<TSource> source, Func<TSource, bool> predicate)
        {
            foreach (var item in source)
            {
                if (predicate(item))
                {
                    yield return item;
                }
            }
        }
    }

    /// <inheritdoc cref="Enumerable.Select{TSource, TResult}(IEnumerable{TSource}, Func{TSource, TResult})"/>
    internal static IEnumerable<TResult> Select<TSource, TResult>(this IEnumerable<TSource> source, Func<TSource, TResult> selector)
    {
        ArgumentNullException.ThrowIfNull(source);
        return Enumerate(source, selector);

        static IEnumerable<TResult> Enumerate(IEnumerable<TSource> source, Func<TSource, TResult> selector)
        {
            foreach (var item in source)
            {
                yield return selector(item);
            }
        }
    }
}
