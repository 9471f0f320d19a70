// PyTorch's names of losses and distances: rows of names.ts.
import { nn } from 'gradloom';
import type { Output } from './adapt.ts';
import type { Row } from './bind.ts';

const F = nn.functional;

/** Operators. */
export const lossOperators: Readonly<Record<string, Row<Output>>> = {
  'nn.functional.binary_cross_entropy': ['input target * weight reduction', F.binaryCrossEntropy],
  'nn.functional.cosine_embedding_loss': ['input1 input2 target * margin reduction', F.cosineEmbeddingLoss],
  'nn.functional.cosine_similarity': ['x1 x2 * dim eps', F.cosineSimilarity],
  'nn.functional.ctc_loss': ['log_probs targets input_lengths target_lengths * blank reduction zero_infinity', F.ctcLoss],
  'nn.functional.gaussian_nll_loss': ['input target var * full eps reduction', F.gaussianNllLoss],
  'nn.functional.hinge_embedding_loss': ['input target * margin reduction', F.hingeEmbeddingLoss],
  'nn.functional.margin_ranking_loss': ['input1 input2 target * margin reduction', F.marginRankingLoss],
  'nn.functional.multi_margin_loss': ['input target * p margin weight reduction', F.multiMarginLoss],
  'nn.functional.multilabel_margin_loss': ['input target * reduction', F.multilabelMarginLoss],
  'nn.functional.multilabel_soft_margin_loss': ['input target * weight reduction', F.multilabelSoftMarginLoss],
  'nn.functional.normalize': ['input * p dim eps', F.normalize],
  'nn.functional.pairwise_distance': ['x1 x2 * p eps keepdim', F.pairwiseDistance],
  'nn.functional.poisson_nll_loss': ['input target * log_input full eps reduction', F.poissonNllLoss],
  'nn.functional.soft_margin_loss': ['input target * reduction', F.softMarginLoss],
  'nn.functional.triplet_margin_loss': ['anchor positive negative * margin p eps swap reduction', F.tripletMarginLoss],
};

/** A module whose constructor takes options only. */
const built = <O>(signature: string, make: new (options: O) => nn.Module): Row<nn.Module> => [`* ${signature}`, (options: O) => new make(options)];

/** Modules. */
export const lossModules: Readonly<Record<string, Row<nn.Module>>> = {
  'nn.BCELoss': built('weight reduction', nn.BCELoss),
  'nn.CTCLoss': built('blank reduction zero_infinity', nn.CTCLoss),
  'nn.CosineEmbeddingLoss': built('margin reduction', nn.CosineEmbeddingLoss),
  'nn.GaussianNLLLoss': built('full eps reduction', nn.GaussianNLLLoss),
  'nn.HingeEmbeddingLoss': built('margin reduction', nn.HingeEmbeddingLoss),
  'nn.MarginRankingLoss': built('margin reduction', nn.MarginRankingLoss),
  'nn.MultiLabelMarginLoss': built('reduction', nn.MultiLabelMarginLoss),
  'nn.MultiLabelSoftMarginLoss': built('weight reduction', nn.MultiLabelSoftMarginLoss),
  'nn.MultiMarginLoss': built('p margin weight reduction', nn.MultiMarginLoss),
  'nn.PoissonNLLLoss': built('log_input full eps reduction', nn.PoissonNLLLoss),
  'nn.SoftMarginLoss': built('reduction', nn.SoftMarginLoss),
  'nn.TripletMarginLoss': built('margin p eps swap reduction', nn.TripletMarginLoss),
};
